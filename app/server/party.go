package server

import (
	"strings"
	"unicode"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// partyOf makes a party ready for the screen. lang is the language of place names.
func (s *Server) partyOf(p owner.Party, lang string) wire.Party {
	w := wire.Party{Kind: wire.PartyUnknown, Name: text(p.Name), Device: p.Device}
	n := p.Number
	switch n.Kind {
	case number.External:
		w.Kind, w.Number = wire.PartyExternal, string(n.E164)
		shown := s.shown.of(n, lang)
		w.Display, w.Place = shown.display, shown.place
		return w
	case number.Internal:
		w.Kind, w.Number = wire.PartyInternal, n.Extension
	case number.Service, number.Emergency:
		w.Kind, w.Number = wire.PartyService, n.Code
	case number.Withheld:
		w.Kind = wire.PartyWithheld
	case number.Unknown:
	}
	w.Display = text(s.p.Plan.Show(n))
	return w
}

// different gives p only where it says something else than far does.
func (s *Server) different(p, far owner.Party, lang string) *wire.Party {
	if !p.Known() || p == far || p.Number.Same(far.Number) {
		return nil
	}
	w := s.partyOf(p, lang)
	return &w
}

// ownNumber tells whether a number is the device's own: its extension, or the direct-dial number that ends with it. To say that
// somebody called it would say nothing.
func ownNumber(n number.Party, device csta.DeviceID) bool {
	switch n.Kind {
	case number.Internal:
		return n.Extension == string(device)
	case number.External:
		return len(device) >= 2 && strings.HasSuffix(string(n.E164), string(device))
	case number.Unknown, number.Service, number.Emergency, number.Withheld:
	}
	return false
}

// text cuts what comes from outside and takes out what could disturb a line of text: control characters, and marks that turn
// the direction of what follows.
func text(s string) string {
	harmless := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			harmless = false
			break
		}
	}
	if harmless && len(s) <= wire.MaxText {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > wire.MaxText {
		s = string(runes[:wire.MaxText])
	}
	return strings.TrimSpace(s)
}
