//go:build !linux

// Package sessionbus connects to the user's D-Bus session bus; other systems have none.
package sessionbus
