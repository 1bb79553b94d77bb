package contact

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/number"
)

func lang() Contact {
	return Contact{
		ID: "7", Name: "Peter Lang", Company: "Lang GmbH", VIP: true, URL: "https://crm.example/7",
		Numbers: []Number{
			{E164: "+4989123456", Raw: "089 123456", Label: "office"},
			{E164: "+498912340", Raw: "+49 89 1234-0", Head: true},
			{Raw: "(212) 555-1234"},
		},
		Fields: map[string]string{"customer": "4711", "empty": ""},
	}
}

func filled(t testing.TB, cs ...Contact) *Index {
	t.Helper()
	x := &Index{}
	b := x.Begin("default", "csv")
	for _, c := range cs {
		b.Add(c)
	}
	b.Commit()
	return x
}

func TestIndexFindsAndKeepsEverything(t *testing.T) {
	x := filled(t, lang(), Contact{ID: "8", Name: "Ada"})
	ms := x.Find("default", "", "+4989123456")
	require.Len(t, ms, 1)
	want := lang()
	want.Tenant, want.Source = "default", "csv"
	want.Numbers[0].Raw, want.Numbers[1].Raw = "", ""
	require.Equal(t, Match{Contact: want, Exact: true}, ms[0])
	require.Equal(t, 2, x.Len("default", "csv"))
	require.Equal(t, Key{"default", "", "csv", "7"}, ms[0].Key())
}

func TestIndexPerhaps(t *testing.T) {
	x := filled(t, lang())
	for e, want := range map[number.E164]string{
		"+12125551234":   "perhaps", // stored without country
		"+4989123456":    "exact",
		"+498912340":     "exact",
		"+4989123477":    "head",
		"+498912345678":  "head",
		"+4989123456789": "",
		"+4312125551234": "perhaps",
		"+43123456":      "",
		"+4389123456":    "perhaps", // same spelling within another country
		"+498912341":     "head",
		"+49891235":      "",
	} {
		got := ""
		if ms := x.Find("default", "", e); len(ms) > 0 {
			require.Len(t, ms, 1)
			switch {
			case ms[0].Exact:
				got = "exact"
			case ms[0].Head:
				got = "head"
			default:
				got = "perhaps"
			}
		}
		require.Equal(t, want, got, e)
	}
}

func TestIndexSeveralAndOwners(t *testing.T) {
	same := []Number{{E164: "+4989123456"}, {E164: "+4989123456"}}
	x := filled(t,
		Contact{ID: "1", Name: "A", Numbers: same},
		Contact{ID: "2", Name: "B", Numbers: same},
		Contact{ID: "3", Name: "C", Owner: "lang", Numbers: same},
	)
	names := func(user string) (names []string) {
		for _, m := range x.Find("default", user, "+4989123456") {
			names = append(names, m.Name)
		}
		return names
	}
	require.Equal(t, []string{"A", "B"}, names(""))
	require.Equal(t, []string{"A", "B"}, names("other"))
	require.Equal(t, []string{"A", "B", "C"}, names("lang"))
	require.Empty(t, x.Find("other tenant", "lang", "+4989123456"))
	require.Empty(t, x.Find("default", "", "4989123456"))
	require.Empty(t, (&Index{}).Find("default", "", "+4989123456"))
}

func TestIndexReplaceIsAtomicPerSource(t *testing.T) {
	x := filled(t, lang())
	b := x.Begin("default", "csv")
	b.Add(Contact{ID: "9", Name: "New", Numbers: []Number{{E164: "+4989123456"}}})
	require.Equal(t, "Peter Lang", x.Find("default", "", "+4989123456")[0].Name, "nothing is seen before Commit")

	other := x.Begin("default", "other")
	other.Add(Contact{ID: "1", Name: "Other", Numbers: []Number{{E164: "+4989123456"}}})
	other.Commit()
	b.Commit()
	b.Commit()
	b.Add(Contact{ID: "late"})

	var names []string
	for _, m := range x.Find("default", "", "+4989123456") {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	require.Equal(t, []string{"New", "Other"}, names)
	x.Drop("default", "other")
	require.Len(t, x.Find("default", "", "+4989123456"), 1)
	require.Equal(t, 0, x.Len("default", "other"))
}

func TestIndexWhileReplaced(t *testing.T) {
	x := filled(t, lang())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				if ms := x.Find("default", "", "+4989123456"); len(ms) != 1 || ms[0].Name != "Peter Lang" {
					t.Error("the list was not whole")
					return
				}
			}
		})
	}
	for range 50 {
		b := x.Begin("default", "csv")
		b.Add(lang())
		b.Commit()
	}
	wg.Wait()
}

func TestIndexIsLimited(t *testing.T) {
	var cs []Contact
	for i := range 200 {
		cs = append(cs, Contact{ID: fmt.Sprint(i), Numbers: []Number{{E164: "+4989123456", Raw: "089 123456"}}})
	}
	x := filled(t, cs...)
	require.Len(t, x.Find("default", "", "+4989123456"), maxMatches)
	require.Len(t, x.Find("default", "", "+4389123456"), maxMatches)
}

// BenchmarkIndexMillion prints the 99th percentile of a lookup among a million contacts and the memory they take.
func BenchmarkIndexMillion(b *testing.B) {
	const size = 1_000_000
	x := &Index{}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fill := x.Begin("default", "csv")
	for i := range size {
		fill.Add(Contact{
			ID: fmt.Sprint(i), Name: fmt.Sprintf("Person Number %d", i), Company: "Example GmbH",
			URL:     fmt.Sprintf("https://crm.example/contacts/%d", i),
			Numbers: []Number{{E164: millionth(i), Raw: "0" + string(millionth(i)[3:]), Label: "office"}},
		})
	}
	fill.Commit()
	runtime.GC()
	runtime.ReadMemStats(&after)

	var took []time.Duration
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		if len(x.Find("default", "", millionth(i*7919%size))) != 1 {
			b.Fatal("not found")
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/size, "B/contact")
}

func millionth(i int) number.E164 { return number.E164(fmt.Sprintf("+4989%07d", 1_000_000+i)) }
