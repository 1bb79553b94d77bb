// Package home keeps the tray's files: settings, account, what was told, and the log.
package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"deskbell/app/desk"
)

// Names of the files.
const (
	settingsFile = "settings.toml"
	accountFile  = "account.json"
	seenFile     = "seen.json"
	logFile      = "deskbell.log"
)

// maxFile bounds what is read of any of them.
const maxFile = 1 << 20

// Home is where this user's files lie. Methods belong to one goroutine at a time.
type Home struct {
	config, state string
	root          string
}

// Open finds the folders and makes them, for the user alone. With DESKBELL_HOME set everything lies below that, so that a
// second Deskbell can live beside the first.
func Open(getenv func(string) string) (*Home, error) {
	h, err := find(getenv)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{h.config, h.state} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make folder: %w", err)
		}
	}
	return h, nil
}

func find(getenv func(string) string) (*Home, error) {
	if root := getenv("DESKBELL_HOME"); root != "" {
		root, err := filepath.Abs(root)
		if err != nil {
			return nil, fmt.Errorf("DESKBELL_HOME: %w", err)
		}
		return &Home{config: root, state: root, root: root}, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("folder for settings: %w", err)
	}
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		dir, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("home folder: %w", err)
		}
		state = filepath.Join(dir, ".local", "state")
	}
	if runtime.GOOS == "windows" {
		if state, err = os.UserCacheDir(); err != nil { // %LocalAppData%
			return nil, fmt.Errorf("folder for state: %w", err)
		}
	}
	return &Home{config: filepath.Join(config, "deskbell"), state: filepath.Join(state, "deskbell")}, nil
}

// Own reports whether all files lie in a folder of their own (DESKBELL_HOME), and gives it. Then nothing outside it, such
// as the keyring, should be used either.
func (h *Home) Own() (root string, own bool) { return h.root, h.root != "" }

// Run is the folder for the local socket; empty: the system's place for it.
func (h *Home) Run() string {
	if h.root == "" {
		return ""
	}
	return filepath.Join(h.root, "run")
}

// Secrets is the folder for secrets where there is no keyring.
func (h *Home) Secrets() string { return h.state }

// Account gives the account; the zero value if there is none.
func (h *Home) Account() (desk.Account, error) {
	var a desk.Account
	return a, readJSON(filepath.Join(h.state, accountFile), &a)
}

// SaveAccount stores the account, without its token.
func (h *Home) SaveAccount(a desk.Account) error {
	return writeJSON(filepath.Join(h.state, accountFile), a)
}

// ForgetAccount removes the account.
func (h *Home) ForgetAccount() error {
	if err := os.Remove(filepath.Join(h.state, accountFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove account: %w", err)
	}
	return nil
}

// Seen gives what was told before; nothing if that is not known.
func (h *Home) Seen() (desk.Seen, error) {
	var s desk.Seen
	return s, readJSON(filepath.Join(h.state, seenFile), &s)
}

// SaveSeen implements desk.Store.
func (h *Home) SaveSeen(s desk.Seen) error { return writeJSON(filepath.Join(h.state, seenFile), s) }

// readJSON reads a file of ours; one that is not there is no error.
func readJSON(path string, v any) error {
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return nil
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("read %s: not a file of sensible size", filepath.Base(path))
	}
	return os.ReadFile(path)
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return replace(path, append(data, '\n'))
}

// replace writes a file so that a crash or a full disk leaves the old one.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // readable for its owner only
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", filepath.Base(path), err), os.Remove(f.Name()))
	}
	return nil
}

// tokenFile holds the token where all files lie in a folder of their own, which the keyring must not be used for.
const tokenFile = "token"

// Token gives the stored token; empty if there is none.
func (h *Home) Token() (string, error) {
	data, err := read(filepath.Join(h.state, tokenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// SaveToken stores the token, readable for the user alone.
func (h *Home) SaveToken(token string) error {
	return replace(filepath.Join(h.state, tokenFile), []byte(token))
}

// ForgetToken removes the token.
func (h *Home) ForgetToken() error {
	if err := os.Remove(filepath.Join(h.state, tokenFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove token: %w", err)
	}
	return nil
}
