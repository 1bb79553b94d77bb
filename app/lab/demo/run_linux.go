package demo

import (
	"context"
	"os"
)

// Run shows Deskbell: on the display there is, until ctx ends; without one it plays the story on a virtual desktop and
// returns ErrFailed if a step was not as it should be.
func Run(ctx context.Context, o Options) error {
	if err := o.prepare(); err != nil {
		return err
	}
	if !o.Virtual && (os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "") {
		return show(ctx, o)
	}
	line, err := perform(ctx, o)
	if err != nil {
		return err
	}
	if !line.OK {
		return ErrFailed
	}
	return nil
}
