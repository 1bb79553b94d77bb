//go:build !linux

package demo

import (
	"context"
	"errors"
)

// Run says how to see Deskbell on a system where the demonstration cannot set everything up by itself.
func Run(context.Context, Options) error {
	return errors.New("the demonstration runs on Linux; here start deskbell-lab serve, deskbelld serve and deskbell one by one")
}
