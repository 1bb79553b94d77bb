package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"deskbell/app/contact"
	"deskbell/app/number"
)

const (
	contactCount = 1_000_000
	lookups      = 200_000
)

// contactNumber is the number of contact i.
func contactNumber(i int) number.E164 { return number.E164(fmt.Sprintf("+49%d%07d", 30+i%60, i)) }

// contactRows measures looking numbers up, half of them known, beside a plain map.
func (b *bench) contactRows(_ context.Context, _ int) error {
	if b.index == nil {
		b.fillIndex()
	}
	rng := rand.New(rand.NewPCG(1, 2)) // the same numbers every time
	asked := make([]number.E164, lookups)
	for i := range asked {
		asked[i] = contactNumber(rng.IntN(2 * contactCount))
	}
	floor := timed(asked, func(e number.E164) bool { _, ok := b.plain[e]; return ok })
	own := timed(asked, func(e number.E164) bool { return len(b.index.Find("default", "anna", e)) > 0 })
	value, least := ms(quantile(own, 0.99)), ms(quantile(floor, 0.99))
	b.book.add(spec{
		name: "contact_lookup_p99", unit: "ms", rule: "≤ 1 ms",
		note: "1,000,000 contacts with two numbers each, half of the look-ups hit; floor: a map from number to place",
	}, within(value, least, 1))
	return nil
}

func (b *bench) fillIndex() {
	b.index, b.plain = &contact.Index{}, make(map[number.E164]uint32, contactCount)
	batch := b.index.Begin("default", "csv")
	for i := range contactCount {
		e := contactNumber(i)
		b.plain[e] = uint32(i)
		batch.Add(contact.Contact{
			ID: fmt.Sprint(i), Name: fmt.Sprintf("Caller %d", i), Company: fmt.Sprintf("Company %d", i/10),
			Numbers: []contact.Number{{E164: e, Label: "office"}, {E164: number.E164(fmt.Sprintf("+4915%09d", i)), Label: "mobile"}},
		})
	}
	batch.Commit()
	runtime.GC()
}

// forgetIndex gives the memory back before processes are measured beside this one.
func (b *bench) forgetIndex() {
	b.index, b.plain = nil, nil
	runtime.GC()
}

func timed(asked []number.E164, find func(number.E164) bool) []time.Duration {
	took, hits := make([]time.Duration, len(asked)), 0
	for i, e := range asked {
		begun := time.Now()
		known := find(e)
		took[i] = time.Since(begun)
		if known {
			hits++
		}
	}
	runtime.KeepAlive(hits) // or the compiler could drop the work
	return took
}
