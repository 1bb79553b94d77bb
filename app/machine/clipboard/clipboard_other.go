//go:build !linux && !windows

package clipboard

import "context"

// Read is ErrNone: the system's clipboard is not reachable without its own toolkit.
func Read(context.Context) (string, error) { return "", ErrNone }
