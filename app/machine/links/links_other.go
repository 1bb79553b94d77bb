//go:build !linux && !windows

package links

import "context"

// Registrar is not available here: the system takes link kinds from the signed program bundle only.
type Registrar struct {
	Exe      string
	Args     []string
	StateDir string
}

// Install is ErrUnsupported.
func (Registrar) Install(context.Context) error { return ErrUnsupported }

// Register is ErrUnsupported.
func (Registrar) Register(context.Context, ...string) error { return ErrUnsupported }

// Unregister is ErrUnsupported.
func (Registrar) Unregister(context.Context) error { return ErrUnsupported }

// Status is ErrUnsupported.
func (Registrar) Status(context.Context) ([]Handler, error) { return nil, ErrUnsupported }
