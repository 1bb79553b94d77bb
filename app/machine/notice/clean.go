package notice

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
)

const (
	firstStrongIsolate = '\u2068'
	popIsolate         = '\u2069'
	ellipsis           = '…'

	// maxMarks is how many combining marks may follow one letter; real writing needs up to four, while "zalgo"
	// stacks dozens and paints over its neighbours.
	maxMarks = 4
)

// Clean makes text that a stranger chose safe to put into a line of ours: one line, at most maxRunes characters
// (the last one becomes "…"), no control characters, no invisible or direction-changing ones. Text with right-to-left
// letters stays readable and is isolated, so that it cannot turn around what stands beside it.
func Clean(s string, maxRunes int) string {
	c := cleaner{limit: maxRunes}
	for _, r := range s {
		if !c.add(r) {
			break
		}
	}
	return c.text()
}

// cleaner collects the runes that Clean keeps.
type cleaner struct {
	out   []rune
	limit int
	marks int
	space bool // a gap was read and not yet written
	rtl   bool
	cut   bool
}

// add takes the next rune and reports whether more can be taken.
func (c *cleaner) add(r rune) bool {
	switch {
	case unicode.IsSpace(r), unicode.IsControl(r), r == '\u2028', r == '\u2029':
		c.space = len(c.out) > 0
		return true
	case r == utf8.RuneError:
		r = '\uFFFD'
	case hidden(r):
		return true
	}
	if unicode.Is(unicode.M, r) {
		if c.marks++; c.marks > maxMarks || len(c.out) == 0 {
			return true
		}
	} else {
		c.marks = 0
	}
	if c.space {
		c.space = false
		c.out = append(c.out, ' ')
	}
	if len(c.out) >= c.limit {
		c.cut = true
		return false
	}
	c.out = append(c.out, r)
	c.rtl = c.rtl || rightToLeft(r)
	return true
}

// text is the result so far, cut and isolated where needed.
func (c *cleaner) text() string {
	out := c.out
	if len(out) > c.limit {
		out, c.cut = out[:max(0, c.limit)], true
	}
	if c.cut && len(out) > 0 {
		end := len(out) - 1
		for end > 0 && (unicode.Is(unicode.M, out[end]) || out[end-1] == ' ') {
			end--
		}
		out = append(out[:end:end], ellipsis)
	}
	if c.rtl {
		return string(firstStrongIsolate) + string(out) + string(popIsolate)
	}
	return string(out)
}

// hidden tells the runes that show nothing and change how others are shown. The joiners U+200C and U+200D stay:
// Persian and many emoji need them.
func hidden(r rune) bool {
	switch {
	case r == '\u200C', r == '\u200D':
		return false
	case r == '\u00AD', r == '\u115F', r == '\u1160', r == '\u3164', r == '\uFFA0':
		return true
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r):
		return true
	case r >= 0xFFF0 && r <= 0xFFFB, r >= 0xE0000 && r <= 0xE0FFF:
		return true
	case unicode.Is(unicode.Variation_Selector, r):
		return r != '\uFE0F'
	}
	return false
}

func rightToLeft(r rune) bool {
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL
}

// plain is the last guard before text leaves us: what our own sentences need (line breaks where lines says so, and
// isolates) stays, every other control goes.
func plain(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines, r == firstStrongIsolate, r == popIsolate:
			return r
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case r == utf8.RuneError:
			return '\uFFFD'
		case hidden(r):
			return -1
		}
		return r
	}, s)
}

// markup escapes the five characters that Pango and HTML parsers act on.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")
