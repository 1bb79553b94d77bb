//go:build !linux && !windows

package autostart

// Enable is ErrUnsupported.
func Enable(string, ...string) error { return ErrUnsupported }

// Disable is ErrUnsupported.
func Disable() error { return ErrUnsupported }

// Get is ErrUnsupported.
func Get(string) (Status, error) { return Off, ErrUnsupported }
