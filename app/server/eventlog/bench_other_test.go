//go:build !linux

package eventlog

import "os"

func datasync(f *os.File) { _ = f.Sync() } //nolint:errcheck // a floor, not a product
