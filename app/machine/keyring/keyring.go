// Package keyring keeps secrets in the system's keyring, or in a file that only the user can read if there is none.
package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zalando/go-keyring"
)

// Errors a caller decides on.
var (
	// ErrNotFound means that no secret is kept under this name.
	ErrNotFound = errors.New("no such secret")
	// ErrBusy means that the keyring did not answer in time: it is locked and asks its user, or hangs. The secret may
	// be there.
	ErrBusy = errors.New("the keyring does not answer")
)

// answerLimit bounds the wait for the keyring.
const answerLimit = 2 * time.Second

// Kind says where a secret is kept.
type Kind string

// The two places.
const (
	System Kind = "keyring"
	File   Kind = "file"
)

// Store keeps secrets of one service. Its methods may be called from any goroutine.
type Store struct {
	service string
	dir     string
	limit   time.Duration
	system  keyring.Keyring
	mu      sync.Mutex // guards the files, and keeps changes of one secret apart
	asking  chan struct{}
}

// Open makes a store; dir is for the file and made when it is needed.
func Open(service, dir string) *Store {
	return &Store{service: service, dir: dir, limit: answerLimit, system: systemKeyring{}, asking: make(chan struct{}, 1)}
}

// systemKeyring is the library's keyring of this system.
type systemKeyring struct{}

func (systemKeyring) Set(service, name, secret string) error {
	return keyring.Set(service, name, secret)
}
func (systemKeyring) Get(service, name string) (string, error) { return keyring.Get(service, name) }
func (systemKeyring) Delete(service, name string) error        { return keyring.Delete(service, name) }
func (systemKeyring) DeleteAll(service string) error           { return keyring.DeleteAll(service) }

// Set keeps a secret and says where. The file is only used when the keyring fails.
func (s *Store) Set(ctx context.Context, name, secret string) (Kind, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.ask(ctx, func() error { return s.system.Set(s.service, name, secret) })
	if err == nil {
		// A file left from a time without keyring would be older than this, and is read first.
		return System, s.removeFile(name)
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("keep a secret: %w", ctx.Err())
	}
	if fileErr := s.writeFile(name, secret); fileErr != nil {
		return "", fmt.Errorf("keep a secret: %w", errors.Join(err, fileErr))
	}
	return File, nil
}

// Get gives a secret and where it was. A file is newer than what the keyring has: Set removes it otherwise.
func (s *Store) Get(ctx context.Context, name string) (string, Kind, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, err := s.readFile(name)
	if !errors.Is(err, ErrNotFound) {
		return secret, File, err
	}
	var found string
	err = s.ask(ctx, func() (err error) {
		found, err = s.system.Get(s.service, name)
		return err
	})
	switch {
	case err == nil:
		return found, System, nil
	case errors.Is(err, ErrBusy), ctx.Err() != nil:
		return "", "", fmt.Errorf("look up a secret: %w", err)
	}
	return "", "", fmt.Errorf("look up a secret: %w", ErrNotFound)
}

// Delete removes a secret from both places; one that is not there is no error.
func (s *Store) Delete(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fileErr := s.removeFile(name)
	err := s.ask(ctx, func() error { return s.system.Delete(s.service, name) })
	if err != nil && !errors.Is(err, ErrBusy) && ctx.Err() == nil {
		err = nil // not found, or no keyring to have it
	}
	if err = errors.Join(fileErr, err); err != nil {
		return fmt.Errorf("remove a secret: %w", err)
	}
	return nil
}

// ask runs one exchange with the keyring, which cannot be interrupted: after the limit its goroutine is left to wait
// alone, and until it is done the keyring counts as busy, so that there is never more than one.
func (s *Store) ask(ctx context.Context, exchange func() error) error {
	select {
	case s.asking <- struct{}{}:
	default:
		return ErrBusy
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.asking }()
		if err := reachable(); err != nil {
			done <- err
			return
		}
		done <- exchange()
	}()
	limit := time.NewTimer(s.limit)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// entry is the file's content. The name stands in it because the file name is only its hash.
type entry struct {
	Name   string `json:"name"`
	Secret string `json:"secret"`
}

// path hashes the name: it may hold anything, also a server's address.
func (s *Store) path(name string) string {
	sum := sha256.Sum256([]byte(s.service + "\x00" + name))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+".secret")
}

func (s *Store) readFile(name string) (string, error) {
	data, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("read the secret's file: %w", err)
	}
	var e entry
	if json.Unmarshal(data, &e) != nil || e.Name != name {
		return "", ErrNotFound // half written by a full disk: as good as none
	}
	return e.Secret, nil
}

func (s *Store) writeFile(name, secret string) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder for secrets: %w", err)
	}
	if err := os.Chmod(s.dir, 0o700); err != nil {
		return fmt.Errorf("close the folder for secrets: %w", err)
	}
	data, err := json.Marshal(entry{name, secret})
	if err != nil {
		return fmt.Errorf("write a secret: %w", err)
	}
	temp, err := os.CreateTemp(s.dir, ".new-*") // CreateTemp makes it 0600
	if err != nil {
		return fmt.Errorf("write a secret: %w", err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), s.path(name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write a secret: %w", err), os.Remove(temp.Name()))
	}
	return nil
}

func (s *Store) removeFile(name string) error {
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the secret's file: %w", err)
	}
	return nil
}
