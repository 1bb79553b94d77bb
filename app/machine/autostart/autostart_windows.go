package autostart

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// The user's own list of programs to start (HKEY_CURRENT_USER).
const (
	runKey = `Software\Microsoft\Windows\CurrentVersion\Run`
	value  = "Deskbell"
)

// Enable makes the program at exe, with its arguments, start at sign-in.
func Enable(exe string, args ...string) error {
	key, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf("open the autostart list: %w", err)
	}
	defer func() { _ = key.Close() }() // the value is written by then
	if err := key.SetStringValue(value, windows.ComposeCommandLine(append([]string{exe}, args...))); err != nil {
		return fmt.Errorf("write the autostart entry: %w", err)
	}
	return nil
}

// Disable makes it no longer start; an entry that is not there is no error.
func Disable() error {
	key, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the autostart list: %w", err)
	}
	defer func() { _ = key.Close() }() // as above
	if err := key.DeleteValue(value); err != nil && !errors.Is(err, registry.ErrNotExist) {
		return fmt.Errorf("remove the autostart entry: %w", err)
	}
	return nil
}

// Get tells what happens at sign-in for the program at exe.
func Get(exe string) (Status, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return Off, nil
	}
	if err != nil {
		return Off, fmt.Errorf("open the autostart list: %w", err)
	}
	defer func() { _ = key.Close() }() // read only
	command, _, err := key.GetStringValue(value)
	switch {
	case errors.Is(err, registry.ErrNotExist):
		return Off, nil
	case err != nil:
		return Off, fmt.Errorf("read the autostart entry: %w", err)
	}
	parts, err := windows.DecomposeCommandLine(command)
	if err == nil && len(parts) > 0 && strings.EqualFold(parts[0], exe) {
		return On, nil
	}
	return Other, nil
}
