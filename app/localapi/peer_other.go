//go:build !linux

package localapi

import "net"

// checkPeer trusts the folder's mode (or, on Windows, the pipe's security descriptor), which lets nobody else in.
func checkPeer(net.Conn) error { return nil }
