package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/config"
	"deskbell/app/contact"
	"deskbell/app/pbx"
	"deskbell/connectors"
	"deskbell/connectors/contacts/csv"
	"deskbell/connectors/pbx/nfon"
)

func types() config.Types {
	return config.Types{Systems: config.Of(connectors.PBX), Contacts: config.Of(connectors.Contacts)}
}

func parse(t *testing.T, content string) (*config.Config, config.Problems) {
	t.Helper()
	return config.Parse([]byte(content), config.Options{Types: types(), SkipFiles: true})
}

const small = `
[tenant]
region = "DE"
[system.munich]
type = "nfon"
account = "K4711"
username = "K4711/api"
password = { env = "NFON_PASSWORD" }
`

func lines(ps config.Problems) []string {
	var all []string
	for _, p := range ps {
		all = append(all, p.String())
	}
	return all
}

func TestSmallFileHasDefaults(t *testing.T) {
	c, ps := parse(t, small)
	require.Empty(t, ps)
	require.Equal(t, config.DefaultListen, c.Server.Listen)
	require.Equal(t, 30, c.Retention.Days)
	require.True(t, c.Tenant.Cities)
	s := c.Systems["munich"]
	require.Equal(t, "munich", s.Name)
	require.Equal(t, "phone", s.Emergency)
	require.Equal(t, config.Secrets{"password": {Env: "NFON_PASSWORD"}}, s.Secrets)
	own, ok := s.Config.(*nfon.Config)
	require.True(t, ok)
	require.Equal(t, "K4711", own.Account)
	require.Equal(t, "env:NFON_PASSWORD", own.Password)
	_, ok = s.Config.(pbx.Config)
	require.True(t, ok)
}

func TestExampleFile(t *testing.T) {
	content, err := os.ReadFile("../../docs/deskbelld.example.toml")
	require.NoError(t, err)
	c, ps := parse(t, string(content))
	require.Empty(t, lines(ps))
	require.Equal(t, config.Lengths{Min: 3, Max: 4}, c.Tenant.ExtensionLength)
	require.Equal(t, "89", c.Tenant.Plan().AreaCode)
	require.Equal(t, 4, c.Tenant.Plan().ExtensionMax)
	require.Equal(t, "60", c.Defaults["volume"])
	require.Equal(t, "true", c.Defaults["knock"])
	require.Equal(t, "false", c.Locks["open_internal"])
	require.Equal(t, 2, c.Contacts["crm"].Order)
	require.Equal(t, config.Secrets{"token": {Env: "CRM_TOKEN"}}, c.Contacts["crm"].Secrets)
	own, ok := c.Contacts["customers"].Config.(*csv.Config)
	require.True(t, ok)
	require.Equal(t, "/srv/exports/customers.csv", own.Path)
	for _, one := range c.Contacts {
		_, ok := one.Config.(contact.Config)
		require.True(t, ok)
	}
}

func TestAllProblemsAtOnceWithFullKeys(t *testing.T) {
	_, ps := parse(t, `
surprise = 1
[servr]
[server]
listen = "0.0.0.0:7443"
lissten = "x"
tls_cert = 7
public_url = "http://cti.example.com"
data_dir = "here"
metrics_listen = "0.0.0.0:99999"
log_level = "loud"
log_format = "xml"
name = ""
[retention]
days = 0
[tenant]
region = "XX"
area_code = "8a"
extension_length = "three"
countries = ["YY", 3]
time_zone = "Mars/Base"
[page]
template = "{number"
[system.munich]
type = "nfon"
username = "x"
password = "hunter2"
accout = "K4711"
prompt_seconds = "20"
emrgency = "dial"
[system.berlin]
type = "nfonn"
[system.koeln]
[system.hamburg]
type = "nfon"
account = "4711"
username = "x"
password = { fil = "x" }
states = "guess"
[system."a b"]
type = "nfon"
account = "K1"
username = "x"
password = "file:/x"
[contacts]
wrong = 3
[contacts.crm]
type = "httpjson"
base_url = "http://crm.example"
lookup = "/x{?number}"
order = "first"
[contacts.crm.headers]
X-Api-Key = "hunter2"
[defaults]
open_customer = "always"
volumen = 10
schemes = "myapp"
when = 2026-01-01
[locks]
volume = 200
`)
	got := strings.Join(lines(ps), "\n")
	for _, want := range []string{
		`surprise: unknown key, expected one of `,
		`servr: unknown key, did you mean "server"?`,
		`server.listen: "0.0.0.0:7443" needs tls_cert and tls_key`,
		`server.lissten: unknown key, did you mean "listen"?`,
		`server.tls_cert: expected a text in quotation marks, found a number`,
		`server.public_url: expected https`,
		`server.data_dir: "here", expected an absolute path`,
		`server.metrics_listen: "0.0.0.0:99999", expected a port`,
		`server.log_level: unknown log setting: level "loud"`,
		`server.log_format: unknown log setting: format "xml"`,
		`server.name: expected 1 to 200 characters`,
		`retention.days: 0, expected 1 to 3650`,
		`tenant.region: "XX", expected a country code`,
		`tenant.area_code: "8a"`,
		`tenant.extension_length: expected a number of digits or [shortest, longest], found a text`,
		`tenant.countries: "YY"`,
		`tenant.countries[1]: expected a text in quotation marks, found a number`,
		`tenant.time_zone: "Mars/Base"`,
		`page.template: not an RFC 6570 template`,
		`system.munich.password: a secret must not stand here; write { file = "/path" } or { env = "NAME" }`,
		`system.munich.accout: unknown key, did you mean "account"?`,
		`system.munich.prompt_seconds: expected a whole number, found a text`,
		`system.munich.emrgency: unknown key, did you mean "emergency"?`,
		`system.berlin.type: "nfonn" is not known, did you mean "nfon"?`,
		`system.koeln.type: is missing, expected one of nfon`,
		`system.hamburg.password: expected { file = "/path" } or { env = "NAME" }`,
		`system.a b: expected letters, digits and . _ @ -`,
		`contacts.wrong: expected a table, found a number`,
		`contacts.crm.order: expected a whole number, found a text`,
		`contacts.crm.headers.X-Api-Key: a secret must not stand here`,
		`defaults: when: expected a text`,
		`locks.volume: "200", expected 0 to 100`,
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "hunter2", "a secret is not repeated")
	require.Error(t, ps.Errors())
	require.True(t, slices.IsSortedFunc(ps, func(a, b config.Problem) int { return strings.Compare(a.Key, b.Key) }))

	_, ps = parse(t, small+"[defaults]\nopen_customer = \"always\"\nvolumne = 10\nschemes = \"myapp\"\n") //nolint:misspell // on purpose
	require.Equal(t, []string{
		`defaults.open_customer: "always", expected never, ringing or answered`,
		`defaults.schemes: cannot be set by a server, only on the computer itself`,
		`defaults.volumne: unknown key, did you mean "volume"?`,
	}, lines(ps))
}

func TestAConnectorsOwnProblemsHaveFullKeys(t *testing.T) {
	_, ps := parse(t, small+"hang_up = \"later\"\nprompt_seconds = 500\n[contacts.file]\ntype = \"csv\"\n[contacts.crm]\ntype = \"httpjson\"\nheaders = { Authorization = \"x\" }\n")
	require.Equal(t, []string{
		`contacts.crm.base_url: is missing (the address of the CRM)`,
		`contacts.crm.headers.Authorization: a secret goes into token, with auth as its header`,
		`contacts.crm.lookup: is missing (the request by number, as in "/api/contacts{?phone}")`,
		`contacts.file.path: is missing (the CSV file)`,
		`system.munich.hang_up: "later", expected setup, caller_phase or any`,
		`system.munich.prompt_seconds: 500, expected 1 to 120`,
	}, lines(ps))
}

func TestSyntaxErrorsNameTheLine(t *testing.T) {
	for content, want := range map[string]string{
		"[server]\nlisten = oops\n":            "line 2, column 10",
		"[server]\nname = \"a\"\nname = \"b\"": "name",
		"[server\n":                            "line 1",
		"\x00":                                 "line 1",
	} {
		_, ps := parse(t, content)
		require.Len(t, ps, 1, "%q", content)
		require.Contains(t, ps[0].String(), want)
		require.Error(t, ps.Errors())
	}
}

func TestWarningsDoNotStopTheServer(t *testing.T) {
	_, ps := parse(t, "[server]\nmetrics_listen = \"0.0.0.0:9\"\n[tenant]\nregion = \"DE\"\n")
	require.Equal(t, []string{
		`warning: server.metrics_listen: "0.0.0.0:9" can be read by everybody in the network`,
		`warning: system: there is no telephone system; nobody will see a call`,
	}, lines(ps))
	require.NoError(t, ps.Errors())
}

func TestLoadLooksAtFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "deskbelld.toml")
	secret := filepath.Join(dir, "password")
	write := func(file, content string, mode os.FileMode) {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		require.NoError(t, os.Chmod(file, mode))
	}
	content := strings.ReplaceAll(small, `{ env = "NFON_PASSWORD" }`, `{ file = '`+secret+`' }`) +
		"[server]\ntls_cert = '" + path + "'\ntls_key = '" + secret + "'\ndata_dir = '" + secret + "'\n"
	write(path, content, 0o666)

	_, _, err := config.Load(path, config.Options{Types: types()})
	require.ErrorContains(t, err, "system.munich.password: secret file:"+secret)
	require.ErrorContains(t, err, "server.tls_cert: cannot be used with tls_key")
	require.NotContains(t, err.Error(), "warning")

	write(secret, "hunter2\n", 0o644)
	problems := strings.Join(lines(config.Check(path, config.Options{Types: types()})), "\n")
	require.Contains(t, problems, "server.data_dir: ")
	require.NotContains(t, problems, "hunter2")
	if runtime.GOOS != "windows" {
		require.Contains(t, problems, "warning: system.munich.password: ")
		require.Contains(t, problems, "can be read by other users (mode 0644)")
		require.Contains(t, problems, "can be changed by other users")
	}

	write(path, strings.ReplaceAll(small, `{ env = "NFON_PASSWORD" }`, `'file:`+secret+`'`), 0o600)
	write(secret, "hunter2\n", 0o600)
	c, warnings, err := config.Load(path, config.Options{Types: types()})
	require.NoError(t, err)
	require.Empty(t, warnings)
	value, err := c.Systems["munich"].Secrets.Secret(t.Context(), "password", "")
	require.NoError(t, err)
	require.Equal(t, "hunter2", value)

	require.Contains(t, lines(config.Check(filepath.Join(dir, "none"), config.Options{}))[0], "settings:")
	_, _, err = config.Load(filepath.Join(dir, "none"), config.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestDocumentAndCodeNameTheSameKeys holds docs/configuration.md against the structs, both ways.
func TestDocumentAndCodeNameTheSameKeys(t *testing.T) {
	content, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	var documented []string
	for _, line := range strings.Split(string(content), "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, m := range regexp.MustCompile("`([a-z_.<>0-9]+)`").FindAllStringSubmatch(cells[1], -1) {
				documented = append(documented, m[1])
			}
		}
	}
	inCode := keysOf("", reflect.TypeFor[config.Config]())
	for _, empty := range connectors.PBX {
		inCode = append(inCode, keysOf("system.<id>", reflect.TypeOf(empty()).Elem())...)
	}
	for _, empty := range connectors.Contacts {
		inCode = append(inCode, keysOf("contacts.<id>", reflect.TypeOf(empty()).Elem())...)
	}
	for _, name := range config.SettingNames() {
		inCode = append(inCode, "defaults."+name, "locks."+name)
	}
	slices.Sort(documented)
	slices.Sort(inCode)
	require.Equal(t, slices.Compact(inCode), slices.Compact(documented))
}

func keysOf(prefix string, t reflect.Type) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(t) {
		name := f.Tag.Get("toml")
		if name == "" || name == "-" {
			continue
		}
		key := strings.TrimPrefix(prefix+"."+name, ".")
		switch {
		case f.Type == reflect.TypeFor[config.Settings]():
		case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[config.Lengths]():
			keys = append(keys, keysOf(key, f.Type)...)
		case f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() == reflect.Struct:
			keys = append(keys, keysOf(key+".<id>", f.Type.Elem())...)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("[system.a]\ntype=\"nfon\"\npassword={file=[1]}\n[contacts.b]\ntype=\"csv\"\ncolumns={fields={a=1},phones=\"x\"}\n"))
	f.Add([]byte("[tenant]\nextension_length=[1,2,3]\n[defaults]\nx={}\n[page]\nx=1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, ps := config.Parse(content, config.Options{Types: types(), SkipFiles: true})
		require.NotNil(t, c)
		if ps.Errors() == nil {
			require.NotEmpty(t, c.Tenant.Region)
		}
	})
}
