package eventlog

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
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

// file is an open log file: one connection that writes, with its statements, and others that read.
type file struct {
	db      *sql.DB
	conn    *sql.Conn
	insert  *sql.Stmt
	alive   *sql.Stmt
	begin   *sql.Stmt
	commit  *sql.Stmt
	reader  *sql.DB
	durable durable
	systems map[system]int64
	streams map[streamKey]int64
}

type streamKey struct {
	system int64
	epoch  string
}

// openFile opens the file and brings its tables up to date.
func openFile(ctx context.Context, path string) (f *file, err error) {
	if err := private(path); err != nil {
		return nil, err
	}
	f = &file{systems: make(map[system]int64), streams: make(map[streamKey]int64)}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	// A checkpoint costs two fsyncs and the copying of pages: it is made beside the commits, not inside one.
	write := []string{"busy_timeout(5000)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", synchronous, "wal_autocheckpoint(0)"}
	if f.db, err = sql.Open("sqlite", dsn(path, write)); err != nil {
		return f, fmt.Errorf("open: %w", err)
	}
	f.db.SetMaxOpenConns(1)
	if err := migrate(ctx, f.db); err != nil {
		return f, err
	}
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return f, fmt.Errorf("connection: %w", err)
	}
	if f.reader, err = sql.Open("sqlite", dsn(path, []string{"busy_timeout(5000)", "wal_autocheckpoint(0)"})); err != nil {
		return f, fmt.Errorf("open for reading: %w", err)
	}
	f.reader.SetMaxOpenConns(2)
	if err := f.prepare(ctx); err != nil {
		return f, err
	}
	// A write makes sure that there is a write-ahead log to make durable.
	if err := f.touch(ctx); err != nil {
		return f, err
	}
	f.durable, err = openDurable(path)
	return f, err
}

func (f *file) prepare(ctx context.Context) error {
	var errs [4]error
	f.insert, errs[0] = f.conn.PrepareContext(ctx, `INSERT INTO updates (id, key, gone, until, at, data) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	f.alive, errs[1] = f.conn.PrepareContext(ctx, `UPDATE systems SET alive = max(alive, ?) WHERE id = ?`)
	f.begin, errs[2] = f.conn.PrepareContext(ctx, `BEGIN IMMEDIATE`)
	f.commit, errs[3] = f.conn.PrepareContext(ctx, `COMMIT`)
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	return nil
}

func (f *file) touch(ctx context.Context) error {
	if _, err := f.conn.ExecContext(ctx, "PRAGMA user_version = 1"); err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	return nil
}

func (f *file) close() error {
	errs := []error{f.durable.close()}
	for _, s := range []*sql.Stmt{f.insert, f.alive, f.begin, f.commit} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if f.reader != nil {
		errs = append(errs, f.reader.Close())
	}
	if f.conn != nil {
		errs = append(errs, f.conn.Close())
	}
	if f.db != nil {
		errs = append(errs, f.db.Close())
	}
	return errors.Join(errs...)
}

func dsn(path string, pragmas []string) string {
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// private makes the folder and the file, readable by their owner only: they say who called whom.
func private(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("folder of the log: %w", err)
	}
	h, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("file of the log: %w", err)
	}
	if err := h.Close(); err != nil {
		return fmt.Errorf("file of the log: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// explain wraps what the database says of a full or read-only disk in our own words.
func explain(err error) error {
	var e *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_READONLY, errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return fmt.Errorf("event log: %w", err)
}

// damaged reports whether the file itself is broken.
func damaged(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// setAside keeps a damaged file for whoever wants to look at it, and makes room for a new one.
func setAside(path string, now time.Time) (kept string, err error) {
	kept = path + ".damaged-" + now.UTC().Format("20060102T150405.000")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("set the damaged log aside: %w", err)
		}
	}
	return kept, nil
}

// transaction runs do between begin and commit on the one writing connection; when it returns nil, the commit is durable.
func (f *file) transaction(ctx context.Context, do func() error) error {
	if _, err := f.begin.ExecContext(ctx); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := do()
	if err == nil {
		if _, err = f.commit.ExecContext(ctx); err == nil {
			return f.durable.sync()
		}
		err = fmt.Errorf("commit: %w", err)
	}
	if _, rerr := f.conn.ExecContext(ctx, "ROLLBACK"); rerr != nil && !noTransaction(rerr) {
		err = errors.Join(err, rerr)
	}
	return err
}

// noTransaction: a full disk ends a transaction by itself.
func noTransaction(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_ERROR
}
