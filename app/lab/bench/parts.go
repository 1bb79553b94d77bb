package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"deskbell/app/lab/bench/floor"
	"deskbell/app/lab/bench/phones"
)

// The parts that run as processes of their own.
const (
	partPhones    = "phones"     // the telephone system with its load
	partFloor     = "floor"      // the smallest fan-out
	partFloorLoad = "floor-load" // its load
)

// RunPart is one part of a measurement, started by Run. args are those of the part.
func RunPart(ctx context.Context, name string, args []string, in io.Reader, out io.Writer, log *slog.Logger) error {
	switch name {
	case partPhones:
		return phones.Serve(ctx, in, out, phones.Params{Extensions: crowdSize, Logger: log})
	case partFloor:
		p := floor.ServeParams{}
		if len(args) > 0 {
			p.Address = args[0]
		}
		return floor.Serve(ctx, in, out, p)
	case partFloorLoad:
		return floor.Load(ctx, in, out)
	}
	return fmt.Errorf("no part %q", name)
}

// crowdSize is how many users the design's numbers are for.
const crowdSize = 10_000
