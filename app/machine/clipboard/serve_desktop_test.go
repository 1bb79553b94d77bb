//go:build desktop && linux

package clipboard

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

func TestServedTextIsReadUntilAnotherProgramCopies(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Display: true})
	owned, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- Serve(t.Context(), "NFON, sign_in", func() { close(owned) }) }()
	<-owned
	text, err := Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "NFON, sign_in", text)
	put(t, d, "another")
	require.NoError(t, <-ended)
	require.ErrorIs(t, Serve(t.Context(), strings.Repeat("x", MaxBytes+1), func() {}), ErrTooLarge)
}
