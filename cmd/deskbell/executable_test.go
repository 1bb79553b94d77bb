package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheConsoleTwinNamesTheOther(t *testing.T) {
	at := func(name string) string { return filepath.Join("programs", name) }
	both := func(path string) bool { return path == at("deskbell.exe") }
	none := func(string) bool { return false }
	require.Equal(t, at("deskbell.exe"), beside(at("deskbellctl.exe"), both))
	require.Equal(t, at("deskbell.exe"), beside(at("DeskbellCtl.EXE"), both))
	require.Equal(t, at("deskbellctl.exe"), beside(at("deskbellctl.exe"), none))
	require.Equal(t, at("deskbell"), beside(at("deskbell"), both))
}
