package csv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/contact"
	"deskbell/app/contact/contacttest"
	"deskbell/app/number"
	"deskbell/app/number/plan"
)

func munich(t testing.TB) *plan.Plan {
	t.Helper()
	p, err := plan.New(plan.Settings{Region: "DE", AreaCode: "89", OutsideLine: "0", ExtensionMin: 3, ExtensionMax: 3})
	require.NoError(t, err)
	return p
}

// list is a sink that keeps what it gets.
type list struct{ contacts []contact.Contact }

func (l *list) Add(c contact.Contact) { l.contacts = append(l.contacts, c) }
func (l *list) Commit()               {}

func readAll(t testing.TB, config Config, content string) (*list, contact.Report) {
	t.Helper()
	l := &list{}
	return l, read(t.Context(), strings.NewReader(content), &config, munich(t), l)
}

const good = "Name;Firma;Telefon;Mobil;VIP;URL\n" +
	"Peter Lang;Mueller GmbH;089/123456;0171 2345678 oder 0171 2345679;ja;https://crm.example/7\n"

func TestReadsTheUsualFiles(t *testing.T) {
	utf16 := []byte{0xff, 0xfe}
	for _, r := range good {
		utf16 = append(utf16, byte(r), byte(r>>8))
	}
	for name, content := range map[string]string{
		"semicolon":      good,
		"comma":          strings.ReplaceAll(good, ";", ","),
		"tab":            strings.ReplaceAll(good, ";", "\t"),
		"bar":            strings.ReplaceAll(good, ";", "|"),
		"bom":            "\ufeff" + good,
		"crlf":           strings.ReplaceAll(good, "\n", "\r\n"),
		"excel's sep":    "sep=;\r\n" + good,
		"blank lines":    "\n\n" + good + "\n;;;;;\n",
		"no last line":   strings.TrimSuffix(good, "\n"),
		"quoted":         strings.ReplaceAll(good, "Mueller GmbH", `"Mueller GmbH"`),
		"quoted heading": strings.ReplaceAll(good, "Name;", `"Name";`),
		"other words":    strings.ReplaceAll(good, "Name;Firma;Telefon;Mobil;VIP;URL", "Full Name;Company;Business Phone;Mobile Phone;vip;Web Link"),
		"utf-16":         string(utf16),
		"more columns":   strings.ReplaceAll(strings.ReplaceAll(good, "VIP", "Fax;VIP"), ";ja", ";089 999999;ja"),
		"first and last": strings.ReplaceAll(strings.ReplaceAll(good, "Name;", "Vorname;Nachname;"), "Peter Lang", "Peter;Lang"),
	} {
		t.Run(name, func(t *testing.T) {
			l, report := readAll(t, Config{}, content)
			require.NoError(t, report.Err)
			require.Empty(t, report.Problems)
			require.Equal(t, 1, report.Rows)
			require.Equal(t, 3, report.Numbers)
			require.Len(t, l.contacts, 1)
			c := l.contacts[0]
			require.Equal(t, "Peter Lang", c.Name)
			require.Equal(t, "Mueller GmbH", c.Company)
			require.Equal(t, "https://crm.example/7", c.URL)
			require.True(t, c.VIP)
			require.NotEmpty(t, c.ID)
			var es []number.E164
			for _, n := range c.Numbers {
				es = append(es, n.E164)
			}
			require.Equal(t, []number.E164{"+4989123456", "+491712345678", "+491712345679"}, es)
		})
	}
}

func TestEncodings(t *testing.T) {
	for name, c := range map[string]struct{ encoding, content string }{
		"utf-8":                       {"", "name,phone\nJörg Müller,089123456\n"},
		"windows-1252 found out":      {"", "name,phone\nJ\xf6rg M\xfcller,089123456\n"},
		"windows-1252 by setting":     {"windows-1252", "name,phone\nJ\xf6rg M\xfcller,089123456\n"},
		"bom wins over a wrong guess": {"windows-1252", "\ufeffname,phone\nJörg Müller,089123456\n"},
	} {
		t.Run(name, func(t *testing.T) {
			l, report := readAll(t, Config{Encoding: c.encoding}, c.content)
			require.NoError(t, report.Err)
			require.Equal(t, "Jörg Müller", l.contacts[0].Name)
		})
	}
}

func TestConfiguredColumns(t *testing.T) {
	config := Config{Separator: ";", Columns: Columns{
		ID: "Nr.", Name: "Wer", Company: "Wo", Phones: []string{"Leitung A", "leitung b"}, VIP: "Wichtig", URL: "Akte",
		Fields: map[string]string{"area": "Gebiet"},
	}}
	l, report := readAll(t, config, "Nr.;Wer;Wo;Leitung A;Leitung B;Telefon;Wichtig;Akte;Gebiet\n"+
		"4711;Ada;X AG;089 1234-0;030 12345;089 7654321;1;http://x.example/1;Süd\n")
	require.NoError(t, report.Err)
	require.Equal(t, []contact.Contact{{
		ID: "4711", Name: "Ada", Company: "X AG", VIP: true, URL: "http://x.example/1", Fields: map[string]string{"area": "Süd"},
		Numbers: []contact.Number{
			{E164: "+498912340", Raw: "089 1234-0", Label: "Leitung A", Head: true},
			{E164: "+493012345", Raw: "030 12345", Label: "Leitung B"},
		},
	}}, l.contacts)

	_, report = readAll(t, config, "Name;Telefon\nA;089123456\n")
	require.ErrorIs(t, report.Err, contact.ErrConfig)
	for _, missing := range []string{`"Nr."`, `"Wer"`, `"Leitung A"`, `"Akte"`, `"Gebiet"`} {
		require.ErrorContains(t, report.Err, missing, "all at once")
	}
}

func TestBrokenRowsAreNamedAndTheGoodOnesServe(t *testing.T) {
	content := strings.Join([]string{
		`name,company,phone,url`,                      // 1
		`Peter Lang,X,089123456,https://crm.example`,  // 2
		`No Number,X,,`,                               // 3
		`Bad Number,X,call me,`,                       // 4
		`"Never closed,X,089123457,`,                  // 5
		`Ada,X,089123458,`,                            // 6
		`,,089123459,`,                                // 7
		`Evil,X,089123460,javascript:alert(1)`,        // 8
		`Internal,X,101,`,                             // 9
		`"Two`,                                        // 10
		`lines",X,089123461,`,                         // 11
		`Pit "Quote" Lang,X,"089 123462, 089 123463"`, // 12
		strings.Repeat("x,", 600),                     // 13
		strings.Repeat("y", maxLine+10),               // 14
		`Short`,                                       // 15
		`5" pipe,X,089123464,`,                        // 16
		`Last,X,089123465,`,                           // 17
	}, "\n")
	l, report := readAll(t, Config{}, content)
	require.NoError(t, report.Err)
	var names []string
	for _, c := range l.contacts {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"Peter Lang", "Ada", "Evil", "Two\nlines", `Pit "Quote" Lang`, `5" pipe`, "Last"}, names)
	require.Equal(t, []contact.Problem{
		{Row: 3, Column: "", Reason: "the row has no usable phone number"},
		{Row: 4, Column: "phone", Reason: "this is no phone number"},
		{Row: 4, Column: "", Reason: "the row has no usable phone number"},
		{Row: 5, Column: "", Reason: "a quotation mark is not closed"},
		{Row: 7, Column: "", Reason: "the row has neither name nor company"},
		{Row: 8, Column: "url", Reason: "this is no http or https address"},
		{Row: 9, Column: "phone", Reason: "extensions and service codes are not looked up"},
		{Row: 9, Column: "", Reason: "the row has no usable phone number"},
		{Row: 13, Column: "", Reason: "the row has too many columns"},
		{Row: 14, Column: "", Reason: "the row is too long"},
		{Row: 15, Column: "", Reason: "the row has no usable phone number"},
	}, report.Problems)
	require.Equal(t, 8, report.Skipped)
	require.Equal(t, 15, report.Rows)
	require.Equal(t, 7, report.Contacts)
	require.Empty(t, l.contacts[2].URL)
}

func TestIDs(t *testing.T) {
	l, report := readAll(t, Config{}, "id,name,phone\n1,A,089123456\n1,B,089123457\n,C,089123458\n,C,089123458\n")
	require.NoError(t, report.Err)
	require.Equal(t, []contact.Problem{{Row: 3, Column: "id", Reason: "the id appears more than once"}}, report.Problems)
	require.Equal(t, "1", l.contacts[0].ID)
	require.Equal(t, "1#2", l.contacts[1].ID)
	require.Equal(t, l.contacts[2].ID+"#2", l.contacts[3].ID)
	again, _ := readAll(t, Config{}, "id,name,phone\n,X,0301234567\n,C,089123458\n")
	require.Equal(t, l.contacts[2].ID, again.contacts[1].ID, "the id does not hang on the row's place")
}

func TestFilesOfNoUse(t *testing.T) {
	for content, want := range map[string]string{
		"":                            "empty",
		"\n\n":                        "empty",
		"PK\x03\x04binary":            "spreadsheet",
		"name,company\nA,B\n":         "no column with phone numbers",
		"phone\n089123456\n":          "no column with names",
		"\"name,phone\nA,089123456\n": "heading",
	} {
		_, report := readAll(t, Config{}, content)
		require.ErrorContains(t, report.Err, want, "%q", content)
	}
	l := &list{}
	report := read(t.Context(), io.MultiReader(strings.NewReader(good), iotest.ErrReader(io.ErrUnexpectedEOF)), &Config{}, munich(t), l)
	require.ErrorIs(t, report.Err, io.ErrUnexpectedEOF)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, read(ctx, strings.NewReader(good), &Config{}, munich(t), l).Err, context.Canceled)
}

func TestManyProblemsAreBounded(t *testing.T) {
	_, report := readAll(t, Config{}, "name,phone\n"+strings.Repeat("A,x\n", 5000))
	require.Len(t, report.Problems, maxProblems)
	require.Equal(t, 2*5000-maxProblems, report.Omitted)
	require.Equal(t, 5000, report.Skipped)
}

func TestAQuoteNeverClosedCostsOneRow(t *testing.T) {
	l, report := readAll(t, Config{}, "name,phone\n\"open,1\n"+strings.Repeat("A,089123456\n", 1000))
	require.Len(t, report.Problems, 1)
	require.Len(t, l.contacts, 1000)
	_, report = readAll(t, Config{}, "name,phone\n"+strings.Repeat("\"open,1\n", 2001))
	require.Equal(t, 1, report.Contacts+report.Skipped-report.Rows+1)
}

// german reads national spellings only, so that the many rows test this package and not the numbering plan.
type german struct{}

func (german) NormalizeAll(field string) []number.Party {
	e, err := number.Parse("+49" + strings.TrimPrefix(number.OnlyDigits(field), "0"))
	if err != nil {
		return nil
	}
	return []number.Party{{Kind: number.External, E164: e, Raw: field}}
}

func (german) NationalDigits(number.E164) string { return "" }

func TestTwoHundredThousandRows(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("Name;Firma;Telefon;Mobil;URL\n")
	for i := range 200_000 {
		fmt.Fprintf(&b, "Person %d;Firma %d;089/%07d;0171 %07d;https://crm.example/%d\n", i, i%1000, 2_000_000+i, 1_000_000+i, i)
	}
	path := filepath.Join(t.TempDir(), "big.csv")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	x := &contact.Index{}
	env := contacttest.Env(t, german{}, nil)
	s := open(t, path, env)
	l := contact.NewLookup(x, []contact.Registered{{Tenant: "default", ID: "tested", Source: s, Numbers: german{}}}, contact.Options{Log: env.Log})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	require.Eventually(t, func() bool { return x.Len("default", "tested") == 200_000 }, time.Minute, 10*time.Millisecond)
	require.Equal(t, "Person 199999", x.Find("default", "", "+49892199999")[0].Name)
	require.Equal(t, "Person 4711", x.Find("default", "", "+491711004711")[0].Name)
	cancel()
	<-done
	l.Close()
}

func open(t testing.TB, path string, env contact.Env) *source {
	t.Helper()
	opened, err := (&Config{Path: path}).Open(env)
	require.NoError(t, err)
	s, ok := opened.(*source)
	require.True(t, ok)
	s.every = 5 * time.Millisecond
	return s
}

// quick opens the source with a short interval, which the settings do not allow.
type quick struct{ Config }

func (q *quick) Open(env contact.Env) (contact.Source, error) {
	s, err := q.Config.Open(env)
	if err == nil {
		s.(*source).every = 5 * time.Millisecond
	}
	return s, err
}

func TestContract(t *testing.T) {
	contacttest.Run(t, func(t *testing.T) contacttest.Fixture {
		path := filepath.Join(t.TempDir(), "contacts.csv")
		content := "id,name,company,phone,mobile,vip,url\n" +
			"7,Peter Lang,Mueller GmbH,089/123456,,yes,https://crm.example/7\n" +
			"8,Max Muster,Muster & Muster,+49 40 66969024,,,\n" +
			"9,Mara Muster,Muster & Muster,+49 40 66969024,0171 2345678,,\n"
		write := func(t *testing.T, s string) {
			t.Helper()
			require.NoError(t, os.WriteFile(path+".new", []byte(s), 0o600))
			require.NoError(t, os.Rename(path+".new", path))
		}
		write(t, content)
		return contacttest.Fixture{
			Config: &quick{Config{Path: path}}, Numbers: munich(t), Unknown: "+4989765432",
			Known: []contact.Contact{
				{Name: "Peter Lang", Company: "Mueller GmbH", VIP: true, URL: "https://crm.example/7", Numbers: []contact.Number{{E164: "+4989123456"}}},
				{Name: "Max Muster", Company: "Muster & Muster", Numbers: []contact.Number{{E164: "+494066969024"}}},
				{Name: "Mara Muster", Company: "Muster & Muster", Numbers: []contact.Number{{E164: "+494066969024"}, {E164: "+491712345678"}}},
			},
			Break: func(t *testing.T) { require.NoError(t, os.Rename(path, path+".away")) },
			Mend:  func(t *testing.T) { require.NoError(t, os.Rename(path+".away", path)) },
			Add: func(t *testing.T, c contact.Contact) {
				write(t, content+c.ID+","+c.Name+",,"+c.Numbers[0].Raw+",,,\n")
			},
		}
	})
}

// sinkFunc tells reports.
type sinkFunc struct {
	list
	reports chan contact.Report
}

func (s *sinkFunc) Begin() contact.Batch    { s.contacts = nil; return s }
func (s *sinkFunc) Report(r contact.Report) { s.reports <- r }

func TestWatchReportsFailuresOnceAndKeepsTrying(t *testing.T) {
	path := filepath.Join(t.TempDir(), "contacts.csv")
	s := open(t, path, contacttest.Env(t, munich(t), nil))
	sink := &sinkFunc{reports: make(chan contact.Report, 10)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Watch(ctx, sink) }()
	next := func() contact.Report {
		select {
		case r := <-sink.reports:
			return r
		case <-time.After(20 * time.Second):
			require.Fail(t, "no report")
			return contact.Report{}
		}
	}
	require.ErrorIs(t, next().Err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("nonsense\n"), 0o600))
	require.ErrorContains(t, next().Err, "no column")
	require.NoError(t, os.WriteFile(path, []byte("name,phone\nA,089123456\n"), 0o600))
	r := next()
	require.NoError(t, r.Err)
	require.Equal(t, 1, r.Contacts)
	if runtime.GOOS != "windows" && os.Getuid() != 0 {
		require.NoError(t, os.Chmod(path, 0))
		require.NoError(t, os.Chtimes(path, time.Now(), time.Now()))
		require.ErrorIs(t, next().Err, os.ErrPermission)
		require.NoError(t, os.Chmod(path, 0o600))
		require.NoError(t, next().Err)
	}
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	for r = next(); !strings.Contains(r.Err.Error(), "folder"); r = next() {
		require.ErrorIs(t, r.Err, os.ErrNotExist)
	}
	cancel()
	require.NoError(t, <-done)
}

func TestValidate(t *testing.T) {
	err := (&Config{Path: "contacts.csv", Separator: "x", Encoding: "ebcdic", Every: Duration(time.Millisecond), Columns: Columns{LastName: "N"}}).Validate()
	for _, key := range []string{"path:", "separator:", "encoding:", "every:", "columns:"} {
		require.ErrorContains(t, err, key)
	}
	require.ErrorContains(t, (&Config{}).Validate(), "path: is missing")
	_, err = (&Config{}).Open(contacttest.Env(t, munich(t), nil))
	require.Error(t, err)
	var d Duration
	require.NoError(t, d.UnmarshalText([]byte("5s")))
	require.Equal(t, Duration(5*time.Second), d)
	require.Error(t, d.UnmarshalText([]byte("soon")))
	b, err := d.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "5s", string(b))
}

// BenchmarkRead reads rows with two numbers each by the real plan.
func BenchmarkRead(b *testing.B) {
	var rows bytes.Buffer
	rows.WriteString("Name;Firma;Telefon;Mobil;URL\n")
	for i := range b.N {
		fmt.Fprintf(&rows, "Person %d;Firma %d;089/%07d;0171 %07d;https://crm.example/%d\n", i, i%1000, 2_000_000+i%7_000_000, 1_000_000+i%8_000_000, i)
	}
	p := munich(b)
	b.ResetTimer()
	r := read(b.Context(), &rows, &Config{}, p, &list{})
	require.NoError(b, r.Err)
	require.Equal(b, b.N, r.Contacts)
}

func FuzzRead(f *testing.F) {
	p := munich(f)
	f.Add(good)
	f.Add("\ufeffname,phone\n\"a\"\"b\nc\",\"089 1,2\"\n\"open\n\xff\n")
	f.Add("sep=;\nname;phone;url\nx;1;http://[\n")
	f.Add("\xff\xfen\x00")
	f.Fuzz(func(t *testing.T, s string) {
		l := &list{}
		r := read(context.Background(), strings.NewReader(s), &Config{}, p, l)
		require.Len(t, l.contacts, r.Contacts)
		require.LessOrEqual(t, len(r.Problems), maxProblems)
		if r.Err == nil {
			require.Equal(t, r.Rows, r.Contacts+r.Skipped)
		}
		for _, c := range l.contacts {
			require.NotEmpty(t, c.Numbers)
			require.True(t, c.URL == "" || strings.HasPrefix(c.URL, "http"))
		}
	})
}
