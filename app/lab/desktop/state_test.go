//go:build desktop && linux

package desktop

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
)

// settled waits until the connection is up and the telephone system's news flows.
func (b *bench) settled() {
	b.t.Helper()
	b.await("connected", func() error {
		s, err := b.tryState()
		switch {
		case err != nil:
			return err
		case s.Link != view.LinkUp || !b.opts.troubled && len(s.Troubles) > 0:
			return fmt.Errorf("link %s, %q, troubles %v", s.Link, s.Sentence, s.Troubles)
		case !b.opts.troubled && (len(s.Lines) == 0 || s.Lines[0].State != "idle"):
			return fmt.Errorf("no news of the line: %v", s.Lines)
		}
		return nil
	})
}

func (b *bench) tryState() (view.State, error) {
	out, code := b.run("status", "--json")
	var s view.State
	if code != exitOK {
		return s, fmt.Errorf("status: exit code %d: %s", code, out)
	}
	return s, json.Unmarshal([]byte(out), &s)
}

// state waits until what the tray tells of itself fits.
func (b *bench) state(what string, fits func(view.State) bool) view.State {
	b.t.Helper()
	var s view.State
	b.await(what, func() (err error) {
		if s, err = b.tryState(); err == nil && !fits(s) {
			err = fmt.Errorf("icon %s, %q, %d calls, troubles %v", s.Icon, s.Sentence, len(s.Calls), s.Troubles)
		}
		return err
	})
	return s
}

// trouble waits for a trouble and gives its sentence.
func (b *bench) trouble(code string) string {
	b.t.Helper()
	s := b.state("trouble "+code, func(s view.State) bool { return troubleAt(s, code) >= 0 })
	return s.Troubles[troubleAt(s, code)].Said
}

// healed waits until a trouble is over.
func (b *bench) healed(code string) {
	b.t.Helper()
	b.state("no trouble "+code, func(s view.State) bool { return troubleAt(s, code) < 0 })
}

func troubleAt(s view.State, code string) int {
	return slices.IndexFunc(s.Troubles, func(t view.Trouble) bool { return t.Code == code })
}

// quiet waits until no call is left.
func (b *bench) quiet() {
	b.t.Helper()
	b.state("no call", func(s view.State) bool { return len(s.Calls)+len(s.Attempts) == 0 })
}

// await asks again and again, for what tells nobody when it changes.
func (b *bench) await(what string, holds func() error) {
	b.t.Helper()
	late := time.After(limit)
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			require.Failf(b.t, "in vain: "+what, "%v", err)
		}
	}
}
