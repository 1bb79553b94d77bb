package main

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// files writes a program and a text and returns their names.
func files(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	program, text := filepath.Join(dir, "program"), filepath.Join(dir, "README.md")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755))
	require.NoError(t, os.WriteFile(text, []byte("# hello\n"), 0o600))
	return []string{program, text}
}

func TestTheSameFilesMakeTheSameArchive(t *testing.T) {
	for _, name := range []string{"x-1.tar.gz", "x-1.zip"} {
		t.Run(name, func(t *testing.T) {
			at := time.Unix(1_700_000_000, 0)
			first, second := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), name)
			require.NoError(t, run(first, at, files(t)))
			require.NoError(t, run(second, at, files(t)))
			a, err := os.ReadFile(first)
			require.NoError(t, err)
			b, err := os.ReadFile(second)
			require.NoError(t, err)
			require.Equal(t, a, b)
		})
	}
}

func TestTarUnpacksWithModes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, run(filepath.Join(dir, "x-1.tar.gz"), time.Unix(0, 0), files(t)))
	cmd := exec.Command("tar", "-xzf", "x-1.tar.gz")
	cmd.Dir = dir
	require.NoError(t, cmd.Run())
	for name, mode := range map[string]os.FileMode{"program": 0o755, "README.md": 0o644} {
		info, err := os.Stat(filepath.Join(dir, "x-1", name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
}

func TestZipHoldsTheFolder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x-1.zip")
	require.NoError(t, run(out, time.Unix(0, 0), files(t)))
	archive, err := zip.OpenReader(out)
	require.NoError(t, err)
	defer archive.Close()
	require.Len(t, archive.File, 2)
	require.Equal(t, "x-1/README.md", archive.File[0].Name)
}

func TestSumsAreNotedOnceAndTrue(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.zip", "a.tar.gz", "b.zip"} {
		require.NoError(t, run(filepath.Join(dir, name), time.Unix(0, 0), files(t)))
	}
	cmd := exec.Command("sha256sum", "-c", "SHA256SUMS")
	cmd.Dir = dir
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "a.tar.gz: OK\nb.zip: OK\n", string(out))
}

func TestBadUseIsRefused(t *testing.T) {
	require.Error(t, run(filepath.Join(t.TempDir(), "x.rar"), time.Now(), files(t)))
	require.Error(t, run(filepath.Join(t.TempDir(), "x.zip"), time.Now(), nil))
	require.Error(t, run(filepath.Join(t.TempDir(), "x.zip"), time.Now(), []string{"/does/not/exist"}))
}
