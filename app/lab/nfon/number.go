package nfon

import (
	"strings"
)

const contextGlobal = "global"

// party is one end of a call: an own phone, the outside world, or digits nobody owns (feature codes, wrong numbers).
type party struct {
	phone    *phone
	number   string // E.164 with plus; empty when withheld or not an outside party
	code     string // dialled as it is
	name     string // what the lab's page shows; never sent
	withheld bool
}

// label names the party in facts and on the page.
func (p party) label() string {
	switch {
	case p.phone != nil:
		return p.phone.Extension
	case p.withheld:
		return "withheld"
	case p.number != "":
		return p.number
	}
	return p.code
}

// shown is a number with its context, as an event presents a party. A nil number is left out.
type shown struct {
	number  *string
	context string
}

func show(number, context string) shown { return shown{&number, context} }

func (s *Server) showOutside(sw *Switches, p party) shown {
	if p.withheld {
		switch sw.AnonymousForm {
		case "missing":
			return shown{nil, contextGlobal}
		case "anonymous":
			return show("anonymous", contextGlobal)
		}
		return show("", contextGlobal)
	}
	if p.number == "" {
		return show(p.code, s.opts.Account)
	}
	digits := strings.TrimPrefix(p.number, "+")
	switch sw.NumberForm {
	case "national":
		if rest, german := strings.CutPrefix(digits, "49"); german {
			return show("0"+rest, s.opts.Account)
		}
		return show("00"+digits, s.opts.Account)
	case "plus":
		return show("+"+digits, contextGlobal)
	case "zero_zero":
		return show("00"+digits, contextGlobal)
	}
	return show(digits, contextGlobal)
}

// showInternal presents an own phone in an internal call.
func (s *Server) showInternal(sw *Switches, p *phone) shown {
	if sw.InternalNumbers == "long" {
		return show(s.did(p), s.opts.Account)
	}
	return show(p.Extension, s.opts.Account)
}

// showDialled presents what an inbound call was made to.
func (s *Server) showDialled(sw *Switches, p *phone) shown {
	switch sw.InboundCallee {
	case "extension":
		return show(p.Extension, s.opts.Account)
	case "head":
		return s.showOutside(sw, party{number: s.opts.HeadNumber})
	}
	return s.showOutside(sw, party{number: "+" + s.did(p)})
}

// showCalling presents an own phone that calls out.
func (s *Server) showCalling(sw *Switches, p *phone) shown {
	if sw.Clip != "" {
		return show(sw.Clip, contextGlobal)
	}
	return show(p.Extension, s.opts.Account)
}

// did is the digits under which the outside world reaches a phone.
func (s *Server) did(p *phone) string {
	return strings.TrimPrefix(s.opts.HeadNumber, "+") + p.Extension
}

// dialled resolves what was typed at a phone or sent to the API: an extension, an own outside number, an outside number,
// or a code that leads nowhere else.
func (s *Server) dialled(text string) party {
	if p := s.phones[text]; p != nil {
		return party{phone: p}
	}
	digits, global := strings.CutPrefix(text, "+")
	if !global {
		return party{code: text}
	}
	if ext, own := strings.CutPrefix(digits, strings.TrimPrefix(s.opts.HeadNumber, "+")); own {
		if p := s.phones[ext]; p != nil {
			return party{phone: p}
		}
	}
	return party{number: text}
}
