package text

import (
	"deskbell/app/wire"
)

// Reason says in one sentence why something is so, and what to do instead.
func (w *Words) Reason(r wire.Reason) string {
	id := "reason." + r.Code
	if r.Code == wire.ReasonSystemCannot {
		if special := "cannot." + r.Args["service"]; w.Has(special) {
			id = special
		}
	}
	if r.Code == "" || !w.Has(id) {
		id = "reason." + wire.ReasonFailed
	}
	pairs := []string{"system", r.Args["system"], "number", r.Args["number"], "country", r.Args["country"]}
	if r.Args["system"] == "" {
		if r.Code == wire.ReasonDown {
			id = "reason.no_connection"
		}
		pairs[1] = w.Say("the_system")
	}
	return w.Say(id, pairs...)
}

// Error says why a request failed: by its reason, or, without one, by its code.
func (w *Words) Error(e *wire.Error) string {
	if e.Data != nil && e.Data.Code != "" {
		return w.Reason(*e.Data)
	}
	return w.Reason(wire.Reason{Code: reasonOf(e.Code)})
}

// reasonOf gives the reason that says most of what an error code alone can say.
func reasonOf(code int) string {
	switch code {
	case wire.CodeNotPermitted:
		return wire.ReasonNotYours
	case wire.CodeNotNow:
		return wire.ReasonNotNow
	case wire.CodeGone:
		return wire.ReasonCallOver
	case wire.CodeNumber:
		return wire.ReasonNumberInvalid
	case wire.CodeDown:
		return wire.ReasonDown
	case wire.CodeRefused:
		return wire.ReasonRefused
	case wire.CodeUncertain:
		return wire.ReasonUncertain
	case wire.CodeLimited:
		return "limited"
	}
	return wire.ReasonFailed
}

// Trouble says in one sentence what is wrong, by its code; source names who has it.
func (w *Words) Trouble(code, source string) string {
	id := "trouble." + code
	if code == "" || !w.Has(id) {
		id = "trouble.unknown"
	}
	if source == "" {
		source = w.Say("the_system")
	}
	return w.Say(id, "source", source, "file", source)
}

// Why says why there is no connection to the server.
func (w *Words) Why(code string) string {
	if id := "why." + code; code != "" && w.Has(id) {
		return w.Say(id)
	}
	return w.Say("why.unreachable")
}

// Invitation says why an invitation did not work.
func (w *Words) Invitation(code string) string {
	if id := "invitation." + code; code != "" && w.Has(id) {
		return w.Say(id)
	}
	return w.Say("invitation.failed")
}

// Result says how a call of the list ended.
func (w *Words) Result(r wire.Result) string {
	if id := "result." + string(r); r != "" && w.Has(id) {
		return w.Say(id)
	}
	return w.Say("result.unknown")
}
