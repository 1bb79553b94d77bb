//go:build !windows

package accounts

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/server/store"
)

func requirePrivate(t *testing.T, dir string) {
	info, err := os.Stat(dir + "/" + store.File)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	info, err = os.Stat(dir)
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
}
