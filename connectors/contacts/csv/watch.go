package csv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"deskbell/app/contact"
)

// maxFile is the largest file that is read.
const maxFile = 512 << 20

type source struct {
	config Config
	env    contact.Env
	every  time.Duration
}

var _ contact.Copied = (*source)(nil)

// Close has nothing to free: files are open only while they are read.
func (s *source) Close() error { return nil }

// Watch reads the file now and whenever it changed. A change counts once the file stayed the same for one interval, so
// that a file being written is not read half. What cannot be read is tried again at every interval and reported once.
func (s *source) Watch(ctx context.Context, sink contact.Sink) error {
	w := &watch{source: s, sink: sink}
	w.load(ctx)
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.check(ctx)
		}
	}
}

type watch struct {
	source  *source
	sink    contact.Sink
	loaded  fs.FileInfo // as it was when read last; nil if it must be read again
	pending fs.FileInfo // seen once, waiting to stay the same
	failed  string      // the failure reported last
}

func (w *watch) check(ctx context.Context) {
	info, err := os.Stat(w.source.config.Path)
	if err != nil {
		w.loaded, w.pending = nil, nil
		w.fail(err)
		return
	}
	if same(info, w.loaded) {
		w.pending = nil
		return
	}
	if same(info, w.pending) {
		w.load(ctx)
		return
	}
	w.pending = info
}

func same(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (w *watch) load(ctx context.Context) {
	before, report, batch, err := w.read(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		// What was opened but is of no use is read again only when it changes.
		w.loaded = before
		w.fail(err)
		return
	}
	if after, err := os.Stat(w.source.config.Path); err != nil || !same(before, after) {
		// It changed while it was read: the next check sees that and reads again.
		w.loaded = nil
		return
	}
	w.loaded, w.failed = before, ""
	batch.Commit()
	w.sink.Report(report)
}

func (w *watch) read(ctx context.Context) (fs.FileInfo, contact.Report, contact.Batch, error) {
	// The path is the administrator's own setting.
	f, err := os.Open(w.source.config.Path)
	if err != nil {
		return nil, contact.Report{}, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, contact.Report{}, nil, err
	case info.IsDir():
		return nil, contact.Report{}, nil, errors.New("this is a folder, not a file")
	case info.Size() > maxFile:
		return nil, contact.Report{}, nil, fmt.Errorf("the file has %d bytes, more than %d", info.Size(), maxFile)
	}
	batch := w.sink.Begin()
	report := read(ctx, io.LimitReader(f, maxFile), &w.source.config, w.source.env.Numbers, batch)
	return info, report, batch, report.Err
}

func (w *watch) fail(err error) {
	if err.Error() == w.failed {
		return
	}
	w.failed = err.Error()
	w.sink.Report(contact.Report{At: time.Now(), Err: fmt.Errorf("CSV file: %w", err)})
}
