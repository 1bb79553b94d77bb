//go:build windows

package accounts

import "testing"

// requirePrivate: on Windows the folder's access list decides, not the mode.
func requirePrivate(*testing.T, string) {}
