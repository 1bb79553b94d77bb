package owner

import (
	"strings"
	"unicode/utf8"

	"deskbell/app/number"
	"deskbell/app/pbx"
)

const (
	maxText       = 256 // bytes of any text of a telephone system
	maxVendorData = 8
	maxParties    = 10_000 // normalised numbers that are remembered
)

// party makes sense of a party by the tenant's plan.
func (c *core) party(p pbx.Party) Party {
	if !p.Said() {
		return Party{}
	}
	out := Party{Name: cut(p.Name), Device: p.Device}
	switch {
	case p.Withheld:
		out.Number = number.Party{Kind: number.Withheld}
	case p.Number != "":
		out.Number = c.number(rawNumber{cut(p.Number), p.Scope})
	}
	if out.Device == "" && out.Number.Kind == number.Internal {
		out.Device = c.numbers[out.Number.Extension]
	}
	return out
}

// number remembers what the plan said: the same few numbers come with every event of a call.
func (c *core) number(raw rawNumber) number.Party {
	if p, ok := c.parties[raw]; ok {
		return p
	}
	if len(c.parties) >= maxParties {
		clear(c.parties)
	}
	p := c.plan.Normalize(raw.text, raw.scope)
	c.parties[raw] = p
	return p
}

// mergeParty adds news of a party. Nothing said erases nothing; a hidden or senseless number does not replace a good one,
// unless the call was transferred. moved: it is another party now.
func mergeParty(old, news Party, transfer bool) (merged Party, moved bool) {
	switch {
	case !news.Known():
		return old, false
	case !old.Known():
		return news, false
	}
	same := news.Number == (number.Party{}) || news.Number == old.Number || news.Number.Same(old.Number)
	hidden := weak(news.Number) && !weak(old.Number) && !transfer
	if !same && !hidden && !weak(old.Number) {
		return news, true
	}
	merged = old
	if !same && !hidden {
		merged.Number = news.Number
	}
	if news.Name != "" {
		merged.Name = news.Name
	}
	if news.Device != "" {
		merged.Device = news.Device
	}
	return merged, false
}

func weak(p number.Party) bool { return p.Kind == number.Unknown || p.Kind == number.Withheld }

// cut bounds a text from outside, at a character's border, and makes it valid UTF-8.
func cut(s string) string {
	if len(s) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = strings.Clone(s[:end])
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
