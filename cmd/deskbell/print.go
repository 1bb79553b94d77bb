package main

import (
	"encoding/json"

	"deskbell/app/desk/view"
)

// printJSON prints a value, on several lines if it is for reading.
func (p *program) printJSON(v any, indent bool) {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	if indent {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(v); err != nil {
		p.code = exitFailed
	}
}

func (p *program) printState(s view.State, asJSON, indent bool) {
	if asJSON {
		p.printJSON(s, indent)
		return
	}
	p.say(s.Sentence)
	for _, t := range s.Troubles {
		if t.Said != s.Sentence {
			p.say(t.Said)
		}
	}
	for _, k := range s.Calls {
		p.printCall(k)
	}
	for _, g := range s.Gaps {
		p.say(g.Said)
	}
}

// printCalls prints running calls, then the list.
func (p *program) printCalls(s view.State, asJSON bool) {
	if asJSON {
		p.printJSON(map[string]any{"calls": s.Calls, "attempts": s.Attempts, "entries": s.Entries, "gaps": s.Gaps}, true)
		return
	}
	if len(s.Calls)+len(s.Entries) == 0 {
		p.say(p.words.Say("cli.calls_none"))
	}
	for _, k := range s.Calls {
		p.printCall(k)
	}
	for _, e := range s.Entries {
		id := "menu.incoming"
		if e.Direction == "outgoing" {
			id = "menu.outgoing"
		}
		line := p.words.Say(id, "name", e.Title, "time", e.At.Local().Format("02.01. 15:04"))
		p.say(p.words.Say("menu.with_result", "entry", line, "result", e.Said))
	}
}

func (p *program) printCall(k view.Call) {
	line := k.Line
	if k.Display != "" && k.Display != k.Title {
		line += " (" + k.Display + ")"
	}
	p.say(line)
}
