package eventlog

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// synchronous: SQLite itself syncs only at checkpoints, because its fsync also writes the file's times, which doubles the
// price of a commit on ext4. The write-ahead log is made durable here, after each commit, by fdatasync.
const synchronous = "synchronous(NORMAL)"

// durable makes what was committed to the write-ahead log outlast a power cut.
type durable struct{ wal *os.File }

// openDurable opens the write-ahead log of an open database. SQLite keeps its locks on other files, so that closing this
// one does not lose them.
func openDurable(path string) (durable, error) {
	f, err := os.OpenFile(path+"-wal", os.O_RDWR, 0o600)
	if err != nil {
		return durable{}, fmt.Errorf("write-ahead log: %w", err)
	}
	return durable{f}, nil
}

func (d durable) sync() error {
	if err := unix.Fdatasync(int(d.wal.Fd())); err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	return nil
}

func (d durable) close() error {
	if d.wal == nil {
		return nil
	}
	return d.wal.Close()
}
