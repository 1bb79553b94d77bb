package keyring

import (
	"context"
	"fmt"

	"deskbell/app/machine/sessionbus"
)

// reachable asks for the bus before the library does, which would start one of its own where there is none.
func reachable() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	conn, err := sessionbus.Open(ctx)
	if err != nil {
		return fmt.Errorf("reach the keyring: %w", err)
	}
	_ = conn.Close() // nothing was asked on it
	return nil
}
