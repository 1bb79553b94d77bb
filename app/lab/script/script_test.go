package script

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
)

func world() World {
	log := record.New(0)
	return World{Phones: nfon.New(nfon.Options{Log: log}), CRM: crm.New(crm.Options{Log: log}), Log: log}
}

// play runs a script on virtual time and returns the events sent, the time it took and its error.
func play(t *testing.T, text string, meanwhile func(World)) (events []string, took time.Duration, err error) {
	t.Helper()
	s, err := Parse(text)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		w := world()
		began := time.Now()
		if meanwhile != nil {
			go func() {
				synctest.Wait() // until the script waits for something
				meanwhile(w)
			}()
		}
		err = s.Run(t.Context(), w)
		took = time.Since(began)
		for _, e := range w.Phones.Events("") {
			line := e.Extension + " " + e.State
			if e.Error != "" {
				line += "/" + e.Error
			}
			if e.Lost {
				line += " (lost)"
			}
			events = append(events, line)
		}
		require.NoError(t, w.Phones.Close())
	})
	return events, took, err
}

func TestStories(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		events string
		took   time.Duration
	}{
		"answered": {
			"at 0s outside +49891234567 \"Dr. A\" calls 101\nwait 2s\n101 answers\nwait 1m\ncaller hangs up",
			"101 ring, 101 answer, 101 hangup", 62 * time.Second,
		},
		"withheld, rejected":        {"withheld calls 101\n101 rejects", "101 ring, 101 hangup/reject", 0},
		"rings out":                 {"+49891234567 calls 101\ncall rings out", "101 ring, 101 hangup/timeout", 0},
		"behaviour":                 {"phone 101 \"A\" answers after 3s\n+49891234567 calls 101\nexpect 101 in-use", "101 ring, 101 answer", 3 * time.Second},
		"phone behaviours parse":    {"phone 106 rejects after 1s\nphone 107 is busy\nphone 108 rings out after 2s\nphone 109 does nothing\n+491712 calls 107", "107 hangup/busy", 0},
		"group":                     {"+49891234567 calls 101, 102\n102 answers\n102 hangs up", "101 ring, 102 ring, 102 answer, 102 hangup", 0},
		"cascade":                   {"+49891234567 calls 101 then 102, 103 every 4s\nexpect 103 ringing\ncaller hangs up", "101 ring, 102 ring, 103 ring, 102 hangup/cancel, 103 hangup/cancel", 4 * time.Second},
		"internal":                  {"101 calls 102\ncallee answers\n101 hangs up", "101 dial, 102 ring, 101 ring, 102 answer, 101 answer, 101 hangup, 102 hangup", 0},
		"outbound":                  {"outside +4930555012 answers after 1s\n101 calls +4930555012\nexpect 101 in-use\nexpect event answer at 101", "101 dial, 101 ring, 101 answer", time.Second},
		"code":                      {"101 calls *87\nexpect call over", "101 dial, 101 answer, 101 hangup", 1100 * time.Millisecond},
		"rings again":               {"+49891234567 calls 101\n101 rings again", "101 ring, 101 hangup/cancel, 101 ring", 0},
		"transfer":                  {"+49891234567 calls 101\n101 answers\n101 transfers to 103\n103 answers", "101 ring, 101 answer, 103 ring, 103 answer, 101 hangup", 0},
		"switches":                  {"set omit_ring true # quietly\nset lose [\"hangup\"]\n+49891234567 calls 101\n101 answers\ncaller hangs up\nreset switches\nwithheld calls 102", "101 answer, 101 hangup (lost), 102 ring", 0},
		"status":                    {"101 is dnd\nwithheld calls 101\n102 goes offline\nexpect 102 offline\n102 goes online\nexpect 102 idle", "101 hangup/busy", 0},
		"loop":                      {"loop 3\nat 1s withheld calls 101\n101 rejects\nend", "101 ring, 101 hangup/reject, 101 ring, 101 hangup/reject, 101 ring, 101 hangup/reject", 3 * time.Second},
		"an expectation of absence": {"expect no login for 5s\nmark\nexpect no crm page for 1s", "", 6 * time.Second},
		"words only":                {"say \"hello # there\"\n\n   # a comment\nsend broken_json\nrevoke tokens\nclose streams\ndrop streams for 1s\nfault login status 500 times 2\nfault login off\ncrm lookup delay 2s\ncrm lookup works", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			events, took, err := play(t, test.script, nil)
			require.NoError(t, err)
			require.Equal(t, test.events, strings.Join(events, ", "))
			require.Equal(t, test.took, took)
		})
	}
}

func TestExpectTakesFactsInOrder(t *testing.T) {
	page := func(w World, id string) {
		w.CRM.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/contacts/"+id, nil))
	}
	_, took, err := play(t, "expect crm page 17\nexpect crm page 18\nexpect no crm page for 1s", func(w World) {
		page(w, "17")
		time.Sleep(3 * time.Second)
		page(w, "18")
	})
	require.NoError(t, err)
	require.Equal(t, 4*time.Second, took)

	_, _, err = play(t, "expect crm page 17\nexpect no crm page 17 for 10s", func(w World) {
		page(w, "17")
		time.Sleep(time.Second)
		page(w, "17")
	})
	require.ErrorIs(t, err, ErrNotMet)
	require.ErrorContains(t, err, "line 2, column 1")
}

func TestExpectGivesUp(t *testing.T) {
	_, took, err := play(t, "wait 1s\n  expect api call from 101 to +4930555012 within 5s", nil)
	require.ErrorIs(t, err, ErrNotMet)
	require.ErrorContains(t, err, `line 2, column 3: expectation not met: "api call from 101 to +4930555012" did not happen within 5s`)
	require.Equal(t, 6*time.Second, took)
}

func TestRunStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Parse("loop 1000000\nwait 1h\nend")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, s.Run(ctx, world()), context.DeadlineExceeded)
	})
}

func TestActionsThatCannotBeDoneNameTheLine(t *testing.T) {
	_, _, err := play(t, "loop 2\n  101 answers\nend", nil)
	require.ErrorIs(t, err, nfon.ErrNoCall)
	require.ErrorContains(t, err, "line 2, column 3")
}

func TestParseErrorsHaveAPlace(t *testing.T) {
	for text, want := range map[string]string{
		"dance":                                 "line 1, column 1: \"dance\" begins no statement",
		"\n  wait soon":                         "line 2, column 8: expected a time such as 2s, found \"soon\"",
		"wait":                                  "line 1, column 5: a time such as 2s is missing",
		"phone abc":                             "line 1, column 7: expected an extension",
		"101 sings":                             "line 1, column 5: expected answers",
		"+49891234567 answers":                  "line 1, column 14: expected calls",
		"+49891234567 calls 101,":               "line 1, column 24: an extension is missing",
		"101 calls abc":                         "line 1, column 11: expected an extension, a number with + or a code",
		"say \"öff":                             "line 1, column 5: the quotation is not closed",
		"loop 2\nwait 1s":                       "line 1, column 1: this loop has no end",
		"end":                                   "line 1, column 1: this end closes no loop",
		"loop 0\nend":                           "line 1, column 6: expected a number from 1 to 1000000",
		"set cancel_scope all":                  "line 1, column 18: cancel_scope: \"all\" is none of setup, caller_phase, any",
		"set nothing 1":                         "no switch is named \"nothing\"",
		"fault lgin status 500":                 "no such endpoint",
		"fault login status 42":                 "42 is no final HTTP status",
		"crm lookup fails often":                "no failure is named \"often\"",
		"crm coffee works":                      "no endpoint is named \"coffee\"",
		"expect rain":                           "line 1, column 8: expected login",
		"expect request coffee":                 "line 1, column 16: expected one of login",
		"expect stream calls shut":              "expected open or closed",
		"wait 1s 2s":                            "line 1, column 9: nothing may follow here, found \"2s\"",
		"at 1s":                                 "line 1, column 6: a statement is missing",
		"send flowers":                          "expected one of broken_json",
		"101 is happy":                          "expected available, away",
		"outside withheld answers":              "only a number can be called and behave",
		"outside +49891234567 \"x\" whistles":   "expected calls, answers",
		strings.Repeat("loop 1\n", 20):          "loops may be nested 16 deep",
		"callee transfers":                      "expected answers, hangs up, rejects",
		"101 calls 102\n102 answer\nloop\nwait": "line 4, column 5",
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, want, text)
		var placed *Error
		require.True(t, errors.As(err, &placed), text)
	}
}

// TestTheReadmeIsTrue parses the README's example and every line of its tables.
func TestTheReadmeIsTrue(t *testing.T) {
	b, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := strings.Split(string(b), "```")
	_, err = Parse(blocks[1])
	require.NoError(t, err)

	kinds := strings.Join(nfon.Rubbish(), " ")
	require.Contains(t, string(b), kinds)
	require.Contains(t, string(b), strings.Join(nfon.Endpoints(), " "))
	code := regexp.MustCompile("`([^`]+)`")
	section := ""
	for _, row := range strings.Split(blocks[2], "\n") {
		if strings.HasPrefix(row, "## ") {
			section = row
		}
		cells := strings.Split(row, "|")
		if len(cells) < 3 || strings.HasPrefix(cells[1], "---") {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
			line := strings.ReplaceAll(m[1], "ENDPOINT", "data")
			if section == "## Expectations" {
				line = "expect " + line
			}
			_, err := Parse(line)
			require.NoError(t, err, line)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.lab")
	require.NoError(f, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(b))
	}
	for _, text := range []string{"", "loop 1\nend", "set lose [\"hangup\"]", "\"", "101 calls *21*+49#", "expect no 101 ringing for 1s", "\xff\x00", "at 0s at 0s wait 1s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if (s == nil) == (err == nil) {
			t.Fatalf("script %v, error %v", s, err)
		}
		var all []error
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			all = joined.Unwrap()
		}
		for _, one := range all {
			var placed *Error
			if !errors.As(one, &placed) || placed.Line < 1 || placed.Column < 1 || placed.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("error without a place: %v", one)
			}
		}
	})
}
