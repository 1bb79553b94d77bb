package demo

import (
	"context"
	"errors"
)

func show(ctx context.Context, o Options) error { return errors.New("x") }
