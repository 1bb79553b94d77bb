// Package phones is the telephone system of a measurement: a simulated NFON in a process of its own, driven from outside.
package phones

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"deskbell/app/lab/bench/part"
	"deskbell/app/lab/load"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
)

// Ready is what the part says first.
type Ready struct {
	URL, Account, Username, Password string
}

// LoadParams ask for steady load, as of package load. Probes ring one further phone meanwhile.
type LoadParams struct {
	Extensions int    `json:"extensions"`
	Rate       int    `json:"rate"` // events a second; 0: probes only
	MS         int64  `json:"ms"`
	Stamps     string `json:"stamps,omitempty"`
	Probe      *Probe `json:"probe,omitempty"`
}

// LoadResult is what was done. Probes holds the caller and the time of each ring of the probe's phone.
type LoadResult struct {
	Summary load.Summary `json:"summary"`
	Probes  []Ring       `json:"probes,omitempty"`
}

// Probe rings one phone again and again, every time from another number: ring, answer after RingMS, hang up at once.
type Probe struct {
	Extension string `json:"extension"`
	EveryMS   int64  `json:"every_ms"`
	RingMS    int64  `json:"ring_ms"`
	First     int    `json:"first"` // number of the first ring; its caller is made from it
}

// Ring is one ring of a probe. Nanos is the moment before the telephone system wrote the event, since 1970.
type Ring struct {
	Caller string `json:"caller"`
	Nanos  int64  `json:"nanos"`
}

// Act is one thing that happens at a phone: "ring" (from Caller), "answer" or "hangup".
type Act struct {
	Do        string `json:"do"`
	Extension string `json:"extension"`
	Caller    string `json:"caller,omitempty"`
}

// Params are how many phones there are: those of package load, and one more for probes.
type Params struct {
	Extensions int
	Logger     *slog.Logger
}

// ProbeExtension is the phone for probes; it is none of package load's.
const ProbeExtension = "9999"

// Serve runs the telephone system as a part until its input ends.
func Serve(ctx context.Context, in io.Reader, out io.Writer, p Params) (err error) {
	phones := append(load.Phones(p.Extensions), nfon.Phone{Extension: ProbeExtension, Name: "Probe", Presence: "available"})
	s := nfon.New(nfon.Options{Phones: phones, Switches: load.Switches(), Log: record.New(1000), Logger: p.Logger})
	if err := s.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	user, password := s.Credentials()
	d := &driver{s: s}
	return part.Serve(ctx, in, out, Ready{URL: s.URL(), Account: s.Account(), Username: user, Password: password}, d.handle)
}

type driver struct{ s *nfon.Server }

func (d *driver) handle(ctx context.Context, verb string, params json.RawMessage) (any, error) {
	switch verb {
	case "streams": // how many calls streams are open
		return d.s.StreamCount("calls"), nil
	case "load":
		return decode(params, func(p LoadParams) (any, error) { return d.load(ctx, p) })
	case "act":
		return decode(params, func(list []Act) (any, error) { return struct{}{}, d.act(list) })
	}
	return nil, fmt.Errorf("no verb %q", verb)
}

func decode[P any](params json.RawMessage, do func(P) (any, error)) (any, error) {
	var p P
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	return do(p)
}

func (d *driver) act(list []Act) error {
	for _, a := range list {
		var err error
		switch a.Do {
		case "ring":
			_, err = d.s.RingInbound(nfon.Caller{Number: a.Caller}, a.Extension)
		case "answer":
			err = d.s.Answer(a.Extension)
		case "hangup":
			err = d.s.HangUp(a.Extension)
		default:
			err = fmt.Errorf("no act %q", a.Do)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) load(ctx context.Context, p LoadParams) (r LoadResult, err error) {
	length := time.Duration(p.MS) * time.Millisecond
	rings, failed := make(chan []Ring, 1), make(chan error, 1)
	go func() {
		list, err := d.probe(ctx, p.Probe, length)
		rings <- list
		failed <- err
	}()
	if p.Rate > 0 {
		r.Summary, err = d.steady(ctx, p, length)
	}
	r.Probes = <-rings
	return r, errors.Join(err, <-failed)
}

func (d *driver) steady(ctx context.Context, p LoadParams, length time.Duration) (s load.Summary, err error) {
	o := load.Options{Extensions: p.Extensions, Rate: p.Rate, Duration: length}
	if p.Stamps != "" {
		file, err := os.Create(p.Stamps)
		if err != nil {
			return s, fmt.Errorf("open time stamps: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		o.Stamps = file
	}
	return load.Run(ctx, d.s, o)
}

// Caller is the number of a probe's ring.
func Caller(n int) string { return "+493090" + fmt.Sprintf("%05d", n%100_000) }

func (d *driver) probe(ctx context.Context, p *Probe, length time.Duration) ([]Ring, error) {
	if p == nil {
		return nil, nil
	}
	var rings []Ring
	ring, every := time.Duration(p.RingMS)*time.Millisecond, time.Duration(p.EveryMS)*time.Millisecond
	wait := func(until time.Time) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Until(until)):
			return true
		}
	}
	for began, next := time.Now(), time.Now(); time.Since(began) < length; {
		r := Ring{Caller: Caller(p.First + len(rings)), Nanos: time.Now().UnixNano()}
		if _, err := d.s.RingInbound(nfon.Caller{Number: r.Caller}, p.Extension); err != nil {
			return rings, err
		}
		rings = append(rings, r)
		if !wait(next.Add(ring)) {
			return rings, ctx.Err()
		}
		if err := errors.Join(d.s.Answer(p.Extension), d.s.HangUp(p.Extension)); err != nil {
			return rings, err
		}
		if next = next.Add(every); !wait(next) {
			return rings, ctx.Err()
		}
	}
	return rings, nil
}

// Extension is the number of package load's phone i.
func Extension(i int) string { return strconv.Itoa(load.FirstExtension + i) }
