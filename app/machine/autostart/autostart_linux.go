package autostart

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"deskbell/app/machine/desktopfile"
)

// FileName is the entry's name; the user's entry replaces one of the same name in /etc/xdg/autostart.
const FileName = "app.deskbell.Deskbell.desktop"

// path is where the user's entries lie by the Desktop Application Autostart Specification.
func path() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the autostart folder: %w", err)
	}
	return filepath.Join(dir, "autostart", FileName), nil
}

// Enable makes the program at exe, with its arguments, start at sign-in.
func Enable(exe string, args ...string) error {
	entry := "[Desktop Entry]\nType=Application\nName=Deskbell\nExec=" + desktopfile.Exec(exe, args...) +
		"\nIcon=app.deskbell.Deskbell\nTerminal=false\nX-GNOME-Autostart-enabled=true\n"
	return write(entry)
}

// Disable makes nothing start, also when a package has put an entry for everybody.
func Disable() error {
	return write("[Desktop Entry]\nType=Application\nName=Deskbell\nHidden=true\n")
}

func write(entry string) error {
	path, err := path()
	if err != nil {
		return err
	}
	if err := desktopfile.Write(path, entry); err != nil {
		return fmt.Errorf("write the autostart entry: %w", err)
	}
	return nil
}

// Get tells what happens at sign-in for the program at exe. The user's entry counts before everybody's.
func Get(exe string) (Status, error) {
	own, err := path()
	if err != nil {
		return Off, err
	}
	files := []string{own}
	dirs := os.Getenv("XDG_CONFIG_DIRS")
	if dirs == "" {
		dirs = "/etc/xdg"
	}
	for _, dir := range filepath.SplitList(dirs) {
		files = append(files, filepath.Join(dir, "autostart", FileName))
	}
	for _, file := range files {
		entry, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Off, fmt.Errorf("read the autostart entry: %w", err)
		}
		return status(string(entry), exe), nil
	}
	return Off, nil
}

func status(entry, exe string) Status {
	state := Off
	for line := range strings.Lines(entry) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case key == "Hidden" && value == "true", key == "X-GNOME-Autostart-enabled" && value == "false":
			return Off
		case key == "Exec" && desktopfile.Program(value) == exe:
			state = On
		case key == "Exec":
			state = Other
		}
	}
	return state
}
