// Package chaos kills the CTI server during scripted calls and judges from outside what became of them.
//
// The oracle knows three things, none of them from the server's own mouth about itself: what the simulated telephone system
// sent and when, which pages the CRM was asked for, and what a bare seat shows.
package chaos

import (
	"fmt"
	"time"

	"deskbell/app/lab/seat"
)

// Phase is the moment of a kill.
type Phase string

// The phases. The first two and the last are points inside the server, reached by a build for tests that kills itself there; the others
// are a SIGKILL from outside.
const (
	ReadNotCommitted Phase = "between event read and commit"
	CommittedNotTold Phase = "between commit and push"
	WhileRinging     Phase = "while ringing"
	WhileTalking     Phase = "while talking"
	FirstSecond      Phase = "in the first second after start"
	ClaimedNotOpened Phase = "between pop claim and page"
)

// Phases lists all of them, in the order of reports.
func Phases() []Phase {
	return []Phase{ReadNotCommitted, CommittedNotTold, WhileRinging, WhileTalking, FirstSecond, ClaimedNotOpened}
}

// Witnessed is one call as the telephone system had it.
type Witnessed struct {
	UUID       string
	Number     string    // the caller's, unique per call
	Began      time.Time // first event sent
	Ended      time.Time // last event sent; zero while it runs
	SurelyRead bool      // an event was sent while the server was up, long enough before its end to have been read and stored
}

// Verdict is what the oracle found wrong in one kill; empty lists mean nothing.
type Verdict struct {
	Ghosts  []string // shown as running though over
	Lost    []string // running though not shown
	Missing []string // neither in the call list nor wholly inside a gap the seat was told of
	Double  []string // pages opened more than once
	Faults  []string // breaches of the protocol noticed by the seat
}

// Clean reports whether nothing is wrong.
func (v Verdict) Clean() bool {
	return len(v.Ghosts)+len(v.Lost)+len(v.Missing)+len(v.Double)+len(v.Faults) == 0
}

// Running compares what runs with what the seat shows: ghosts are shown but over, lost ones run but are not shown.
func Running(running map[string]bool, st seat.State) (ghosts, lost []string) {
	shown := map[string]bool{}
	for _, c := range st.Calls {
		shown[c.Far.Number] = true
		if !running[c.Far.Number] {
			ghosts = append(ghosts, fmt.Sprintf("%s (%s)", c.Far.Number, c.State))
		}
	}
	for number := range running {
		if !shown[number] {
			lost = append(lost, number)
		}
	}
	return ghosts, lost
}

// Missing lists the calls that are neither in the seat's list nor wholly inside one of the gaps it was told of. A call of
// which an event was surely read has to be in the list: a gap does not excuse it.
func Missing(calls []Witnessed, st seat.State) []string {
	listed := map[string]bool{}
	for _, e := range st.Entries {
		listed[e.Far.Number] = true
	}
	var missing []string
	for _, c := range calls {
		if listed[c.Number] {
			continue
		}
		if c.SurelyRead {
			missing = append(missing, c.Number+": an event was read, but it is not in the list")
			continue
		}
		if !covered(c, st.Gaps) {
			missing = append(missing, c.Number+": in the dark, but no gap covers it")
		}
	}
	return missing
}

func covered(c Witnessed, gaps map[string]seat.Gap) bool {
	for _, g := range gaps {
		if g.From.After(c.Began) {
			continue
		}
		if g.To == nil || !c.Ended.IsZero() && !g.To.Before(c.Ended) {
			return true
		}
	}
	return false
}

// Doubles lists the pages that were asked for more than once.
func Doubles(hits map[string]int) []string {
	var doubles []string
	for page, n := range hits {
		if n > 1 {
			doubles = append(doubles, fmt.Sprintf("%s: %d times", page, n))
		}
	}
	return doubles
}
