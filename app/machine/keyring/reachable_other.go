//go:build !linux

package keyring

// reachable has nothing to find out: the keyring is part of the system.
func reachable() error { return nil }
