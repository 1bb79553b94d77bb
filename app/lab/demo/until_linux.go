package demo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// patience is how long anything may take on a busy machine before it counts as not happening.
const patience = 8 * time.Second

var errGone = errors.New("it has ended")

// until asks again and again, for what tells nobody when it changes. gone ends it early.
func until(ctx context.Context, gone <-chan struct{}, ready func() error) error {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-gone:
			return fmt.Errorf("%w: %w", errGone, err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}
