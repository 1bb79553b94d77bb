// Package bench measures Deskbell against the numbers of its design, each beside a floor taken in the same run.
package bench

import (
	"cmp"
	"slices"
)

// Row is one figure and its bar. Value, Floor and Bar are in Unit. They are those of the round whose value stood in the
// middle when compared with its own bar, so that they belong together.
type Row struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Floor  *float64 `json:"floor"` // nil: nothing to compare with
	Ratio  *float64 `json:"ratio"` // Value to Floor
	Bar    *float64 `json:"bar"`   // the most that Value may be; nil: printed only
	Pass   *bool    `json:"pass"`
	Unit   string   `json:"unit"`
	Rule   string   `json:"rule,omitempty"`   // how the bar comes about, in words
	Rounds int      `json:"rounds"`           // that were measured
	Worst  float64  `json:"worst"`            // value of the worst round
	Note   string   `json:"note,omitempty"`   // what the reader has to know
	Quick  bool     `json:"quick,omitempty"`  // rounds were few and short
	Loaded bool     `json:"loaded,omitempty"` // the machine had other work: an upper bound
}

// Sample is one round of one row.
type Sample struct {
	Value float64
	Floor float64 // 0: none
	Bar   float64 // with Judged
	Judge bool    // whether there is a bar
}

// spec is what a row is, before anything was measured.
type spec struct {
	name, unit, rule, note string
}

// free is a sample that is only printed.
func free(value, floor float64) Sample { return Sample{Value: value, Floor: floor} }

// within is a sample that must not be above bar.
func within(value, floor, bar float64) Sample {
	return Sample{Value: value, Floor: floor, Bar: bar, Judge: true}
}

// row makes a row of its rounds, of which there is at least one.
func (s spec) row(rounds []Sample) Row {
	// How bad a round was: relative to its bar where that is not nought.
	badness := func(x Sample) float64 {
		if x.Judge && x.Bar > 0 {
			return x.Value / x.Bar
		}
		return x.Value
	}
	sorted := slices.SortedStableFunc(slices.Values(rounds), func(a, b Sample) int { return cmp.Compare(badness(a), badness(b)) })
	// With an even number of rounds the worse of the two in the middle.
	mid, worst := sorted[len(sorted)/2], sorted[len(sorted)-1]
	r := Row{Name: s.name, Unit: s.unit, Rule: s.rule, Note: s.note, Value: mid.Value, Worst: worst.Value, Rounds: len(rounds)}
	if mid.Floor > 0 {
		ratio := mid.Value / mid.Floor
		r.Floor, r.Ratio = &mid.Floor, &ratio
	}
	if mid.Judge {
		pass := mid.Value <= mid.Bar
		r.Bar, r.Pass = &mid.Bar, &pass
	}
	return r
}

// book collects the samples of all rows, in the order in which rows were first named.
type book struct {
	specs   []spec
	samples map[string][]Sample
}

func newBook() *book { return &book{samples: map[string][]Sample{}} }

func (b *book) add(s spec, sample Sample) {
	if i := slices.IndexFunc(b.specs, func(old spec) bool { return old.name == s.name }); i < 0 {
		b.specs = append(b.specs, s)
	} else {
		b.specs[i] = s // its note may speak of the last round
	}
	b.samples[s.name] = append(b.samples[s.name], sample)
}

func (b *book) rows() []Row {
	rows := make([]Row, 0, len(b.specs))
	for _, s := range b.specs {
		rows = append(rows, s.row(b.samples[s.name]))
	}
	return rows
}
