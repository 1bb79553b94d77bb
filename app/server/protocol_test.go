package server

import (
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/server/session"
	"deskbell/app/wire"
)

// wireConstants gives the constants of package wire by name, as text.
func wireConstants(t *testing.T) map[string]string {
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := filepath.Glob("../wire/*.go")
	require.NoError(t, err)
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			f, err := parser.ParseFile(fset, name, nil, 0)
			require.NoError(t, err)
			files = append(files, f)
		}
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	pkg, err := conf.Check("deskbell/app/wire", fset, files, nil)
	require.NoError(t, err)
	found := map[string]string{}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok || !c.Exported() {
			continue
		}
		if c.Val().Kind() == constant.String {
			found[name] = constant.StringVal(c.Val())
		} else {
			found[name] = c.Val().ExactString()
		}
	}
	return found
}

// section cuts the part of the document under a heading.
func section(t *testing.T, doc, heading string) string {
	_, after, ok := strings.Cut(doc, "\n"+heading+"\n")
	require.True(t, ok, "no heading %q", heading)
	level := heading[:strings.IndexByte(heading, ' ')]
	end := regexp.MustCompile(`\n#{1,` + strconv.Itoa(len(level)) + `} `).FindStringIndex(after)
	if end == nil {
		return after
	}
	return after[:end[0]]
}

var (
	quoted    = regexp.MustCompile("`([^`\n]+)`")
	firstCell = regexp.MustCompile(`(?m)^\| ([^|]+) \|`)
	digits    = regexp.MustCompile(`-?\d+`)
)

// rows gives what stands quoted in the first column of a section's tables.
func rows(text string) []string {
	var found []string
	for _, cell := range firstCell.FindAllStringSubmatch(text, -1) {
		for _, q := range quoted.FindAllStringSubmatch(cell[1], -1) {
			found = append(found, q[1])
		}
	}
	return found
}

// cells gives the numbers of the first column.
func cells(text string) []string {
	var found []string
	for _, cell := range firstCell.FindAllStringSubmatch(text, -1) {
		found = append(found, digits.FindAllString(cell[1], -1)...)
	}
	return found
}

func withPrefix(all map[string]string, prefix string) []string {
	var values []string
	for name, value := range all {
		if strings.HasPrefix(name, prefix) {
			values = append(values, value)
		}
	}
	slices.Sort(values)
	return values
}

func sorted(list []string) []string { slices.Sort(list); return slices.Compact(list) }

// TestProtocolDocument holds docs/protocol.md against the code, both ways.
func TestProtocolDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/protocol.md")
	require.NoError(t, err)
	doc := string(raw)
	all := wireConstants(t)

	require.Equal(t, withPrefix(all, "Method"), sorted(rows(strings.Split(section(t, doc, "## 3. What the tray asks: requests"), "### Errors")[0])))
	require.Equal(t, withPrefix(all, "Note"), sorted(rows(strings.Split(section(t, doc, "## 4. What the server tells: notifications"), "### Snapshot")[0])))
	require.Equal(t, withPrefix(all, "Reason"), sorted(rows(section(t, doc, "### Reasons"))))

	standard := []string{"1001", "1006", "1011"}
	require.Equal(t, sorted(append(withPrefix(all, "Close"), standard...)), sorted(cells(section(t, doc, "### Close codes"))))
	require.Equal(t, withPrefix(all, "Code"), sorted(cells(section(t, doc, "### Errors"))))
	for name, value := range all {
		if strings.HasPrefix(name, "Close") || strings.HasPrefix(name, "Code") {
			require.Regexp(t, `\| `+regexp.QuoteMeta(value)+` \| .`+name+".", doc)
		}
		if strings.HasPrefix(name, "Path") || strings.HasPrefix(name, "Max") || name == "Subprotocol" {
			require.Contains(t, doc, value, name)
		}
	}
	for _, group := range []string{"Party", "Ring", "Stage", "Result", "Origin"} {
		for name, value := range all {
			if strings.HasPrefix(name, group) {
				require.Contains(t, doc, "`"+value+"`", name)
			}
		}
	}
	for _, code := range []string{
		httpBadRequest, httpToken, httpBrowser, httpLimited, httpInvitation, httpUsed, httpExpired, httpInternal, httpSubprotocol, httpStopping,
	} {
		require.Contains(t, section(t, doc, "## 1. Before the session"), "`"+code+"`")
	}
}

// TestEveryMethodIsServed: what the protocol names, the server answers.
func TestEveryMethodIsServed(t *testing.T) {
	require.Equal(t, withPrefix(wireConstants(t), "Method"), sorted(slices.Collect(maps.Keys(methods))))
}

// members gives the JSON members of a struct and what is in it.
func members(t reflect.Type, into map[string]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != "deskbell/app/wire" {
		return
	}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		into[name] = true
	}
}

// TestMembersOfTheDocument compares each type's members with the section that describes it.
func TestMembersOfTheDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/protocol.md")
	require.NoError(t, err)
	doc := string(raw)
	for heading, list := range map[string][]any{
		"### Snapshot": {wire.Snapshot{}}, "### Call": {wire.Call{}}, "### Party": {wire.Party{}},
	} {
		want := map[string]bool{}
		for _, v := range list {
			members(reflect.TypeOf(v), want)
		}
		require.Equal(t, sorted(slices.Collect(maps.Keys(want))), sorted(rows(section(t, doc, heading))), heading)
	}
	for heading, list := range map[string][]any{
		"### Facts": {wire.Facts{}, wire.Match{}}, "### Line": {wire.Line{}}, "### Attempt": {wire.Attempt{}}, "### Entry": {wire.Entry{}},
		"### Gap": {wire.Gap{}}, "### Trouble": {wire.Trouble{}}, "### Settings": {wire.Settings{}},
		"### Device, System":         {wire.Device{}, wire.System{}},
		"## 1. Before the session":   {wire.Info{}, wire.EnrollRequest{}, wire.EnrollReply{}, httpError{}},
		"## 2. The session":          {wire.HelloFromTray{}, wire.HelloFromServer{}, wire.User{}, wire.Message{}},
		"## 5. Opening the customer": {wire.Pop{}, wire.PopParams{}, wire.PopReportParams{}},
		"## 3. What the tray asks: requests": {
			wire.MakeCallParams{}, wire.MakeCallResult{}, wire.CallParams{}, wire.CheckParams{}, wire.CheckResult{}, wire.PopClaimResult{},
			wire.PopOpenParams{}, wire.PopOpenResult{}, wire.EntriesParams{}, wire.EntriesResult{}, wire.SeenParams{}, wire.SettingsParams{},
			wire.Error{}, wire.Reason{},
		},
		"## 4. What the server tells: notifications": {wire.Joined{}, wire.Contact{}, wire.Devices{}},
	} {
		text := section(t, doc, heading)
		for _, v := range list {
			want := map[string]bool{}
			members(reflect.TypeOf(v), want)
			for name := range want {
				if name == "seq" && !strings.HasPrefix(heading, "###") {
					continue // said once for all
				}
				require.Regexp(t, "[`\"]"+regexp.QuoteMeta(name)+"[`\"]", text, "%s: %T.%s", heading, v, name)
			}
		}
	}
}

// TestLimitsOfTheDocument: the numbers that a client relies on.
func TestLimitsOfTheDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/protocol.md")
	require.NoError(t, err)
	text := section(t, string(raw), "### Limits")
	l := session.DefaultLimits()
	for what, row := range map[string]string{
		"flood":    strconv.Itoa(l.Burst) + " at once, " + strconv.Itoa(int(l.Rate)) + " a second",
		"requests": "| requests in work | " + strconv.Itoa(l.Parallel),
		"calls":    strconv.Itoa(Limits{}.withDefaults().Calls) + " a minute",
		"sessions": "| sessions of one user | " + strconv.Itoa(Limits{}.withDefaults().Sessions),
		"text":     strconv.Itoa(wire.MaxText) + " characters",
		"dial":     strconv.Itoa(maxDial) + " characters",
	} {
		require.Contains(t, text, row, what)
	}
	require.Equal(t, 256<<10, l.Queue)
}
