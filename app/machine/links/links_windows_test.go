package links

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinksAreRegisteredForThisUserAndTakenAway(t *testing.T) {
	r := Registrar{Exe: `C:\Program Files\Deskbell\deskbell.exe`, Args: []string{"open"}}
	t.Cleanup(func() { require.NoError(t, r.Unregister(t.Context())) })
	require.NoError(t, r.Register(t.Context()))
	require.NoError(t, r.Register(t.Context()), "twice does no harm")

	for path, want := range map[string]string{
		classes + `tel\shell\open\command`:       `"C:\Program Files\Deskbell\deskbell.exe" open "%1"`,
		classes + progID + `\shell\open\command`: `"C:\Program Files\Deskbell\deskbell.exe" open "%1"`,
		classes + "callto":                       "URL:callto",
	} {
		got, err := get(path, "")
		require.NoError(t, err)
		require.Equal(t, want, got, path)
	}
	_, err := get(classes+"deskbell", "URL Protocol")
	require.NoError(t, err)
	value, err := get(registered, appName)
	require.NoError(t, err)
	require.Equal(t, capabilities, value)
	value, err = get(capabilities+`\URLAssociations`, "tel")
	require.NoError(t, err)
	require.Equal(t, progID, value)

	status, err := r.Status(t.Context())
	require.NoError(t, err)
	for _, h := range status {
		require.True(t, h.Ours, h.Scheme)
	}
	require.NoError(t, r.Unregister(t.Context()))
	status, err = r.Status(t.Context())
	require.NoError(t, err)
	for _, h := range status {
		require.Equal(t, Handler{Scheme: h.Scheme}, h)
	}
}

func TestAnotherProgramsLinkStaysWhenWeLeave(t *testing.T) {
	const theirs = `"C:\other.exe" "%1"`
	require.NoError(t, set(classes+`callto\shell\open\command`, "", theirs))
	t.Cleanup(func() {
		require.NoError(t, removeTree(classes+"callto", `\shell\open\command`, `\shell\open`, `\shell`, ""))
	})
	r := Registrar{Exe: `C:\deskbell.exe`}
	require.NoError(t, r.Register(t.Context(), "tel"))
	require.NoError(t, r.Unregister(t.Context()))
	got, err := get(classes+`callto\shell\open\command`, "")
	require.NoError(t, err)
	require.Equal(t, theirs, got)
}
