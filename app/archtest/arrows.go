package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// An Arrow says what the packages below From may import of ours, and what they never import at all. Patterns are
// folders with all below them; with a "!" at the end only the folder itself. Test files are free.
type Arrow struct {
	From   string
	Except []string // packages below From that have an arrow of their own
	Only   []string // the only packages of ours it may import; nil: no such limit. Its own folder is always allowed.
	Never  []string // neither ours nor third parties'; third parties by import path
	StdLib bool     // nothing but ours (as Only says) and the standard library
	Why    string
}

// A Reach says what a program must not link, however far away the import is.
type Reach struct {
	From  string
	Never []string
	Why   string
}

const (
	fyne         = "fyne.io/fyne/v2"
	systray      = "fyne.io/systray"
	sqlite       = "modernc.org/sqlite"
	phonenumbers = "github.com/nyaruka/phonenumbers"
	malgo        = "github.com/gen2brain/malgo"
)

// values are the packages that carry values and words and decide nothing.
var values = []string{"app/csta", "app/number!", "app/logging", "app/about"}

func and(first []string, more ...string) []string { return append(slices.Clone(first), more...) }

// Arrows are the rules of the layout.
var Arrows = []Arrow{
	{From: "app/csta", Only: []string{}, StdLib: true, Why: "the call model is the standard's and nothing else's"},
	{From: "app/number", Except: []string{"app/number/plan"}, Only: []string{}, Never: []string{phonenumbers}, Why: "numbers as values carry no metadata"},
	{From: "app/number/plan", Only: []string{"app/number!"}, Why: "it parses and shows numbers"},
	{From: "app/logging", Only: []string{"app/about"}, Why: "everybody logs"},
	{From: "app/about", Only: []string{}, StdLib: true, Why: "everybody has a version"},

	{From: "app/pbx", Except: []string{"app/pbx/pbxtest"}, Only: values, Why: "the contract builds on the call model and numbers"},
	{From: "app/pbx/pbxtest", Only: and(values, "app/pbx", "app/server/owner", "app/server/eventlog"), Why: "the contract test goes through owner and log"},
	{From: "app/contact", Only: values, Why: "the contract builds on numbers"},
	{From: "app/presence", Only: values, Why: "the contract builds on the call model"},
	{From: "app/wire", Only: values, Why: "the protocol builds on the call model and numbers"},

	{From: "connectors/pbx", Only: and(values, "app/pbx!"), Never: []string{fyne, sqlite}, Why: "a connector knows its contract"},
	{From: "connectors/contacts", Only: and(values, "app/contact!"), Never: []string{fyne}, Why: "a connector knows its contract"},
	{From: "connectors/presence", Only: and(values, "app/presence!"), Never: []string{fyne, sqlite}, Why: "a connector knows its contract"},
	{From: "connectors!", Only: and(values, "app/pbx!", "app/contact!", "app/presence!", "app/config", "connectors"), Why: "the map of types only names them"},

	{From: "app/server", Never: []string{"connectors", "app/desk", "app/client", "app/machine", "app/localapi", "ui", fyne, systray}, Why: "the server knows contracts, no vendor and no tray"},
	{From: "app/journal", Never: []string{"connectors", "app/server!", "app/desk", "app/client", "app/machine", "app/localapi", "ui", fyne}, Why: "the journal is filled from the log of calls, it asks nobody"},
	{From: "app/bus", Never: []string{"connectors", "app/server", "app/desk", "app/client", "app/machine", "app/localapi", "ui", fyne}, Why: "the bus carries, it decides nothing"},

	{
		From: "app/desk", Except: []string{"app/desk/view"},
		Only: and(values, "app/desk", "app/wire", "app/contact!", "app/presence!", "app/rule", "assets"), Why: "the tray's state names the interfaces it needs",
	},
	{From: "app/desk/view", Only: and(values, "app/contact!"), Why: "windows and the command line know snapshots, not the state behind them"},
	{From: "app/client", Only: and(values, "app/wire", "app/desk", "app/contact!"), Never: []string{fyne, sqlite}, Why: "the tray's connection knows the protocol"},
	{From: "app/machine", Only: and(values, "app/machine", "app/desk", "assets"), Never: []string{fyne, sqlite}, Why: "adapters know the machine, not the telephone system"},
	{From: "app/localapi", Only: and(values, "app/desk/view", "app/wire", "app/contact!"), Never: []string{fyne, sqlite}, Why: "the local socket passes snapshots and commands on"},
	{From: "app/rule", Only: and(values, "app/contact!", "app/presence!"), Why: "one rule model, used by server and tray"},

	{From: "ui/tray", Only: and(values, "app/desk", "app/contact!", "app/machine/sessionbus", "assets"), Never: []string{fyne}, Why: "the resident program has no toolkit"},
	{
		From: "ui", Except: []string{"ui/tray"},
		Only: and(values, "app/desk/view", "app/localapi", "app/contact!", "assets", "ui/theme", "ui/widgets"), Why: "a window is a view of the tray's state",
	},
	{
		From: "app/lab", Except: []string{"app/lab/bench"}, Never: []string{"app/pbx", "app/csta", "connectors", "app/server", fyne},
		Why: "the other side is written from the vendors' papers, not from our code",
	},
	{From: "app/lab/bench", Never: []string{"connectors", fyne, phonenumbers}, Why: "it measures parts of ours beside their floors"},
	{From: "assets", Only: []string{}, Never: []string{fyne}, Why: "files for everybody"},
}

// Reaches are what the programs must not link.
var Reaches = []Reach{
	{
		From:  "cmd/deskbell!",
		Never: []string{fyne, sqlite, phonenumbers, "app/number/plan", "connectors", "app/pbx", "app/server", "app/journal", "app/bus", "app/lab"},
		Why:   "the resident program stays small and talks to the server only",
	},
	{From: "cmd/deskbell-window", Never: []string{sqlite, phonenumbers, "app/number/plan", "connectors", "app/pbx", "app/server", "app/journal", "app/lab"}, Why: "a window talks to the tray only"},
	{From: "cmd/deskbelld", Never: []string{fyne, systray, malgo, "app/desk", "app/client", "app/machine", "app/lab", "ui"}, Why: "the server builds without C and shows nothing"},
}

// mayUseFyne tells the only packages that may import Fyne.
func mayUseFyne(path string) bool {
	return within(path, "cmd/deskbell-window") || (within(path, "ui") && !within(path, "ui/tray") && path != "ui")
}

// CheckArrows returns every import that a rule forbids, as a sentence.
func CheckArrows(m *Module, arrows []Arrow, reaches []Reach) []string {
	var found []string
	for _, p := range m.Sorted() {
		for imported, file := range p.Imports {
			for _, a := range arrows {
				if why := a.forbids(p.Path, imported); why != "" {
					found = append(found, fmt.Sprintf("%s imports %s: %s", file, imported, why))
				}
			}
			if why := forbiddenAnywhere(p.Path, imported); why != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", file, imported, why))
			}
		}
		for _, r := range reaches {
			found = append(found, r.check(m, p.Path)...)
		}
	}
	slices.Sort(found)
	return found
}

// forbids returns why the package must not import this, or nothing.
func (a Arrow) forbids(pkg, imported string) string {
	if !within(pkg, a.From) || withinAny(pkg, a.Except) {
		return ""
	}
	own, isOurs := ours(imported)
	switch {
	case isOurs && withinAny(own, a.Never), !isOurs && withinAny(imported, a.Never):
		return a.Why
	case isOurs && a.Only != nil && !a.allows(pkg, own):
		return a.Why
	case !isOurs && a.StdLib && strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
		return a.Why + " (standard library only)"
	}
	return ""
}

// allows tells whether a package of ours is on the list, or in the importing package's own room.
func (a Arrow) allows(pkg, own string) bool {
	return withinAny(own, a.Only) || within(own, room(a.From, pkg)) && !withinAny(own, a.Except)
}

// room is the folder within which packages may import each other freely: each connector and each view has its own, so
// that none imports another; everything else shares its arrow's folder.
func room(from, pkg string) string {
	from = strings.TrimSuffix(from, "!")
	if from != "ui" && !strings.HasPrefix(from, "connectors/") || pkg == from {
		return from
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(pkg, from+"/"), "/")
	return from + "/" + name
}

// forbiddenAnywhere holds the rules that name who may, rather than who may not.
func forbiddenAnywhere(pkg, imported string) string {
	own, isOurs := ours(imported)
	switch {
	case within(imported, fyne) && !mayUseFyne(pkg):
		return "Fyne is for ui/<view> and cmd/deskbell-window"
	case within(imported, phonenumbers) && !within(pkg, "app/number/plan"):
		return "only app/number/plan knows the number metadata"
	case isOurs && within(own, "app/lab") && !within(pkg, "app/lab") && !within(pkg, "cmd/deskbell-lab"):
		return "only tests and cmd/deskbell-lab use the other side"
	case isOurs && within(own, "app/archtest"):
		return "rules about the source are for tests"
	case isOurs && isTestHelper(own) && !isTestHelper(pkg) && !within(pkg, "app/lab") && !within(pkg, "cmd/deskbell-lab"):
		return "test helpers are for tests"
	case isOurs && within(own, "cmd"):
		return "nobody imports a program"
	case isOurs && within(own, "scripts") && !within(pkg, "scripts"):
		return "the project's tools are not part of the programs"
	}
	return ""
}

// isTestHelper tells packages such as pbxtest, which exist for tests.
func isTestHelper(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool {
		return len(part) > len("test") && strings.HasSuffix(part, "test")
	})
}

// check returns what the program reaches and must not, each with the chain of imports.
func (r Reach) check(m *Module, pkg string) []string {
	if !within(pkg, r.From) || m.Packages[pkg].Name != "main" {
		return nil
	}
	var found []string
	for imported, chain := range m.Reach(pkg) {
		path := imported
		if own, isOurs := ours(imported); isOurs {
			path = own
		}
		if withinAny(path, r.Never) {
			found = append(found, fmt.Sprintf("%s: %s", strings.Join(chain, " → "), r.Why))
		}
	}
	return found
}
