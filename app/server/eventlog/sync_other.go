//go:build !linux

package eventlog

// synchronous: SQLite makes each commit durable.
const synchronous = "synchronous(FULL)"

// durable has nothing to add.
type durable struct{}

func openDurable(string) (durable, error) { return durable{}, nil }

func (durable) sync() error { return nil }

func (durable) close() error { return nil }
