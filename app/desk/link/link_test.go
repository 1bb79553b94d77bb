package link

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"tel:+49-89-123456":                           "+49-89-123456",
		"TEL:089%20123":                               "089 123",
		" tel:+49%20(89)%20777 ":                      "+49 (89) 777",
		"tel://+4989":                                 "+4989",
		"callto:+4989":                                "+4989",
		"callto://tel:+4989":                          "+4989",
		"callto:TEL:+4989":                            "+4989",
		"tel:+4989;ext=12":                            "+4989;ext=12",
		"tel:+4989;EXT=12;isub=7":                     "+4989;ext=12",
		"tel:7042;phone-context=example.com":          "7042",
		"tel:7042;phone-context=+49-89":               "+49-897042",
		"tel:+49897042;phone-context=+1":              "+49897042",
		"tel:7042;phone-context=%2B49":                "+497042",
		"tel:*21*089%23":                              "*21*089#",
		"tel:#":                                       "#",
		"tel:*":                                       "*",
		"tel:0800-FLOWERS":                            "0800-FLOWERS",
		"callto:alice":                                "alice",
		"tel:112?call":                                "112",
		"tel:" + strings.Repeat("1", MaxNumber):       strings.Repeat("1", MaxNumber),
		"tel:1" + strings.Repeat("%20", 300) + "%202": "",
	} {
		l, err := Parse(in)
		if want == "" {
			require.Error(t, err, in)
			continue
		}
		require.NoError(t, err, in)
		require.Equal(t, Link{Number: want}, l, in)
		require.True(t, Looks(in))
	}
}

func TestBadLinks(t *testing.T) {
	for in, want := range map[string]error{
		"":                                 ErrScheme,
		"tel":                              ErrScheme,
		"+4989":                            ErrScheme,
		"http://tel:1":                     ErrScheme,
		"tel:":                             ErrNumber,
		"tel:%20":                          ErrNumber,
		"tel:()-":                          ErrNumber,
		"tel:12%0a34":                      ErrNumber,
		"tel:12%00":                        ErrNumber,
		"tel:12%e2%80%ae34":                ErrNumber,
		"tel:12%ff":                        ErrNumber,
		"tel:12%zz":                        ErrNumber,
		"tel:12;ext=%0a":                   ErrNumber,
		"tel:12;phone-context=%e2%80%8b+1": ErrNumber,
		"tel:" + strings.Repeat("1", MaxNumber+1):                             ErrTooLong,
		"tel:" + strings.Repeat("1", MaxLink-3):                               ErrTooLong,
		"deskbell:":                                                           ErrEnroll,
		"deskbell://dial?number=1":                                            ErrEnroll,
		"deskbell://enroll":                                                   ErrEnroll,
		"deskbell://enroll?server=https://a":                                  ErrEnroll,
		"deskbell://enroll?code=x":                                            ErrEnroll,
		"deskbell://enroll?server=https://a&code=":                            ErrEnroll,
		"deskbell://enroll?server=https://a&server=https://b&code=x":          ErrEnroll,
		"deskbell://enroll?server=https://a&code=x&code=y":                    ErrEnroll,
		"deskbell://enroll?server=https://a&code=%20":                         ErrEnroll,
		"deskbell://enroll?server=https://a&code=%ff":                         ErrEnroll,
		"deskbell://enroll?server=https://a&code=%zz":                         ErrEnroll,
		"deskbell://enroll?server=ftp://a&code=x":                             ErrEnroll,
		"deskbell://enroll?server=a&code=x":                                   ErrEnroll,
		"deskbell://enroll?server=https://u:p@a&code=x":                       ErrEnroll,
		"deskbell://enroll?server=https://a/evil&code=x":                      ErrEnroll,
		"deskbell://enroll?server=https://a?x=1&code=x":                       ErrEnroll,
		"deskbell://enroll?server=https://a%23f&code=x":                       ErrEnroll,
		"deskbell://enroll?server=https://a%3Fq&code=x":                       ErrEnroll,
		"deskbell://enroll?server=%zz&code=x":                                 ErrEnroll,
		"deskbell://enroll?server=http://far.example&code=x":                  ErrInsecure,
		"deskbell://enroll?server=http://127.0.0.1.far.example&code=x":        ErrInsecure,
		"deskbell://enroll?server=https://a&code=" + strings.Repeat("x", 257): ErrEnroll,
	} {
		l, err := Parse(in)
		if strings.Contains(in, "a?x=1") { // "?x=1" stays part of the server's address
			want = ErrEnroll
		}
		require.ErrorIs(t, err, want, in)
		require.Empty(t, l.Number)
		require.Nil(t, l.Invitation)
	}
	_, err := Parse("tel:" + strings.Repeat("%31", 600))
	require.ErrorIs(t, err, ErrTooLong)
	_, err = Parse("tel:" + strings.Repeat("1", MaxLink-4))
	require.ErrorIs(t, err, ErrTooLong)
}

func TestInvitations(t *testing.T) {
	for in, want := range map[string]Invitation{
		"deskbell://enroll?server=https://cti.example&code=K7":                       {"https://cti.example", "K7"},
		"DESKBELL://enroll?server=https%3A%2F%2Fcti.example%3A8443%2F&code=K7":       {"https://cti.example:8443", "K7"},
		"deskbell:enroll?server=http://127.0.0.1:8080&code=K7":                       {"http://127.0.0.1:8080", "K7"},
		"deskbell://enroll?server=http://localhost&code=" + strings.Repeat("x", 256): {"http://localhost", strings.Repeat("x", 256)},
		"\n deskbell://enroll?server=http://[::1]:1&code=K7 ":                        {"http://[::1]:1", "K7"},
	} {
		got, err := ParseInvitation(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	got, err := ParseInvitation("https://cti.example/  ABCD-EFGH 1234")
	require.NoError(t, err)
	require.Equal(t, Invitation{"https://cti.example", "ABCD-EFGH1234"}, got)
	for _, bad := range []string{"http://far.example ABCD", "cti.example ABCD", "https://a " + strings.Repeat("x", 257), "https://a " + strings.Repeat("x ", 1024), "https://a \x01"} {
		_, err := ParseInvitation(bad)
		require.Error(t, err, bad)
	}
	_, err = ParseInvitation("tel:1")
	require.ErrorIs(t, err, ErrEnroll)
	_, err = ParseInvitation("x")
	require.ErrorIs(t, err, ErrScheme)
	require.Equal(t, "cti.example:8443", Invitation{Server: "https://cti.example:8443"}.Host())
	require.Equal(t, "", Invitation{Server: "http://%zz"}.Host())
}

func TestLooks(t *testing.T) {
	for in, want := range map[string]bool{"tel:": true, " CallTo:x": true, "deskbell:x": true, "telephone:1": false, "--json": false, "1": false, "": false} {
		require.Equal(t, want, Looks(in), in)
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.9.9.9": true, "::1": true, "": false, "10.0.0.1": false, "localhost.example": false} {
		require.Equal(t, want, Loopback(host), host)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"tel:+49-89-1;ext=2", "callto://+49", "deskbell://enroll?server=https://a&code=b", "tel:%31%0a", "tel:1;phone-context=+49", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse(s)
		if err != nil {
			require.Equal(t, Link{}, l)
			return
		}
		if l.Invitation != nil {
			require.NotEmpty(t, l.Invitation.Code)
			require.NotEmpty(t, l.Invitation.Host())
			return
		}
		require.NotEmpty(t, l.Number)
		require.LessOrEqual(t, len(l.Number), MaxNumber)
		require.True(t, utf8.ValidString(l.Number))
		require.False(t, strings.ContainsFunc(l.Number, unicode.IsControl))
	})
}
