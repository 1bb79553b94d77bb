package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"deskbell/app/machine/autostart"
	"deskbell/app/machine/links"
)

// found is how a person's desktop was found: the files that say who opens links and what starts at sign-in. It lies on disk
// until it was put back, so that a run that was cut off is made good by the next.
type found struct {
	path string
	was  map[string][]byte // nil: there was no such file
	dirs []string          // folders that were not there, the deepest first
}

const foundFile = "found.json"

// places are the files of this user that a run may touch.
func places() ([]string, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("find the user's settings: %w", err)
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("find the user's programs: %w", err)
		}
		data = filepath.Join(home, ".local/share")
	}
	programs := filepath.Join(data, "applications")
	return []string{
		filepath.Join(config, "mimeapps.list"), filepath.Join(config, "autostart", autostart.FileName),
		filepath.Join(programs, links.FileName), filepath.Join(programs, "mimeapps.list"), filepath.Join(programs, "defaults.list"),
		filepath.Join(programs, "mimeinfo.cache"),
	}, nil
}

// findDesktop notes how the desktop is now, after putting back what an earlier run was kept from putting back.
func findDesktop(o Options) (*found, error) {
	f := &found{path: o.path(foundFile), was: map[string][]byte{}}
	if err := f.read(); err != nil {
		return nil, err
	}
	if err := f.restore(); err != nil {
		return nil, err
	}
	list, err := places()
	if err != nil {
		return nil, err
	}
	for _, path := range list {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look at the desktop's settings: %w", err)
		}
		f.was[path] = text
		f.missing(filepath.Dir(path))
	}
	return f, f.write()
}

// missing notes folders that are not there, so that they are gone again afterwards.
func (f *found) missing(dir string) {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return
		}
		f.dirs = append(f.dirs, dir)
	}
}

// onDisk is found as it lies on disk.
type onDisk struct {
	Was  map[string][]byte `json:"was"`
	Dirs []string          `json:"dirs"`
}

func (f *found) read() error {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var d onDisk
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return fmt.Errorf("read how an earlier run found the desktop: %w", err)
	}
	f.was, f.dirs = d.Was, d.Dirs
	return nil
}

func (f *found) write() error {
	text, err := json.Marshal(onDisk{f.was, f.dirs})
	if err == nil {
		err = os.WriteFile(f.path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("note how the desktop was found: %w", err)
	}
	return nil
}

// restore puts back what was found, byte for byte.
func (f *found) restore() error {
	var failed error
	for path, text := range f.was {
		failed = errors.Join(failed, putBack(path, text))
	}
	if failed != nil {
		return fmt.Errorf("put the desktop's settings back: %w", failed)
	}
	for _, dir := range f.dirs {
		_ = os.Remove(dir) // stays if somebody else has put something there meanwhile
	}
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the desktop's settings back: %w", err)
	}
	f.was, f.dirs = map[string][]byte{}, nil
	return nil
}

func putBack(path string, text []byte) error {
	now, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && text == nil:
		return nil
	case text == nil:
		return os.Remove(path)
	case err == nil && string(now) == string(text):
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
