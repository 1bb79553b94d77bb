package journal

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// openFile opens the database; a damaged one is set aside: the list begins anew, and calls go on. The second result says why
// the list is kept in memory only, because the disk is full or cannot be written to.
func openFile(ctx context.Context, path string, log *slog.Logger) (db *sql.DB, memory, err error) {
	if db, err = tryOpen(ctx, path); damaged(err) {
		kept := path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000")
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if rerr := os.Rename(path+suffix, kept+suffix); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
		log.Error("call list was damaged: kept aside, a new one begun", "file", kept, "error", err)
		db, err = tryOpen(ctx, path)
	}
	if err == nil || ctx.Err() != nil {
		return db, nil, err
	}
	log.Error("call list cannot be opened: kept in memory until the next start", "error", err)
	memory = fmt.Errorf("%w: %w", ErrMemory, err)
	db, err = openDB(ctx, ":memory:", 1) // each connection would have a memory of its own
	return db, memory, err
}

func tryOpen(ctx context.Context, path string) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("journal: folder: %w", err)
	}
	h, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: file: %w", err)
	}
	if err := h.Close(); err != nil {
		return nil, fmt.Errorf("journal: file: %w", err)
	}
	return openDB(ctx, "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), 4)
}

func openDB(ctx context.Context, name string, connections int) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(FULL)",
	}}
	db, err := sql.Open("sqlite", name+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("journal: open: %w", err)
	}
	db.SetMaxOpenConns(connections)
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("journal: migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("journal: migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("journal: migrations: %w", err)
	}
	return nil
}

func damaged(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}
