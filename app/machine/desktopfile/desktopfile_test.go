package desktopfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExecQuotesWhatADesktopWouldRead(t *testing.T) {
	require.Equal(t, "/usr/bin/deskbell --hidden", Exec("/usr/bin/deskbell", "--hidden"))
	require.Equal(t, `"/opt/my programs/deskbell"`, Exec("/opt/my programs/deskbell"))
	require.Equal(t, `/opt/100%%/deskbell`, Exec("/opt/100%/deskbell"))
	require.Equal(t, `"/a\\$b"`, Exec("/a$b"))
	require.Equal(t, `""`, Exec(""))
}

func FuzzProgramReadsWhatExecWrote(f *testing.F) {
	for _, s := range []string{"/usr/bin/deskbell", "/a b/c", `/a\b"c`, "/a$`b", "/100%u", "/it's"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, program string) {
		if program == "" {
			return
		}
		require.Equal(t, program, Program(Exec(program, "x")))
	})
}

func TestWriteReplacesAsAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "x.desktop")
	require.NoError(t, Write(path, "one"))
	require.NoError(t, Write(path, "two"))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "two", string(data))
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1)

	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	require.Error(t, Write(filepath.Join(blocked, "x"), "y"))
}
