// Package script reads and plays what should happen at the telephone system and the CRM, written in lines a person can read.
package script

import (
	"context"
	"errors"
	"fmt"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
)

// Source is the record.Entry source of scripts; entries are of kind KindSaid and carry a Said.
const (
	Source   = "script"
	KindSaid = "said"
)

// Said is a text of the script.
type Said struct {
	Text string `json:"text"`
}

// World is what a script acts on. Log must be the one both servers record to, so that `expect` sees everything in order.
type World struct {
	Phones *nfon.Server
	CRM    *crm.Server
	Log    *record.Log
}

// run is one performance of a script; it is used by one goroutine.
type run struct {
	world      World
	roundBegan time.Time // of the script or the loop's present round
	call       string    // uuid of the call begun last, by the script or by an expected request
	after      uint64    // number of the fact the last expect found
}

// Run plays the script until its end, its first failure (an *Error with the line) or the end of ctx.
func (s *Script) Run(ctx context.Context, w World) error {
	r := &run{world: w, roundBegan: time.Now(), after: w.Log.Last()}
	return r.steps(ctx, s.steps)
}

func (r *run) steps(ctx context.Context, steps []step) error {
	for _, s := range steps {
		err := ctx.Err()
		if err == nil {
			err = s.do(ctx, r)
		}
		var placed *Error
		switch {
		case err == nil:
		case errors.As(err, &placed): // a step inside a loop knows its place
			return err
		default:
			return &Error{Line: s.line, Column: s.column, Err: err}
		}
	}
	return nil
}

func (r *run) began(id string, err error) error {
	if err == nil {
		r.call = id
	}
	return err
}

func (r *run) say(text string) { r.world.Log.Add(Source, KindSaid, Said{Text: text}) }

// sleep waits on the clock of time, which tests may make virtual.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", context.Cause(ctx))
	}
}
