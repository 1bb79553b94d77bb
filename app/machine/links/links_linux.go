package links

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"deskbell/app/machine/desktopfile"
)

// FileName is the desktop file that carries our link kinds.
const FileName = "app.deskbell.Deskbell.desktop"

// toolLimit bounds one run of a desktop tool; they are scripts that start other programs.
const toolLimit = 10 * time.Second

// Registrar registers links for the user who runs it. StateDir keeps who opened them before.
type Registrar struct {
	Exe      string   // absolute path of our program; the link becomes its last argument
	Args     []string // before the link
	StateDir string
}

func (r Registrar) file() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "applications", FileName), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the applications folder: %w", err)
	}
	return filepath.Join(home, ".local/share/applications", FileName), nil
}

func (r Registrar) memory() string { return filepath.Join(r.StateDir, "previous-links.json") }

// Install makes us known as a program that can open these links, without becoming the one that does.
func (r Registrar) Install(ctx context.Context) error {
	path, err := r.file()
	if err != nil {
		return err
	}
	entry := "[Desktop Entry]\nType=Application\nName=Deskbell\nIcon=app.deskbell.Deskbell\nTerminal=false\n" +
		"NoDisplay=true\nExec=" + desktopfile.Exec(r.Exe, r.Args...) + " %u\nMimeType="
	for _, scheme := range Schemes {
		entry += mime(scheme) + ";"
	}
	if err := desktopfile.Write(path, entry+"\n"); err != nil {
		return fmt.Errorf("register links: %w", err)
	}
	return updateDatabase(ctx, filepath.Dir(path))
}

// updateDatabase refreshes the desktop's index; a desktop without the tool reads the files themselves.
func updateDatabase(ctx context.Context, dir string) error {
	_, err := run(ctx, "update-desktop-database", dir)
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	return err
}

// Register installs us and makes us open links of the given schemes, all of Schemes if none is given. Who did before
// is remembered for Unregister.
func (r Registrar) Register(ctx context.Context, schemes ...string) error {
	if len(schemes) == 0 {
		schemes = Schemes
	}
	before, err := r.Status(ctx)
	if err != nil {
		return err
	}
	if err := r.remember(before, schemes); err != nil {
		return err
	}
	if err := r.Install(ctx); err != nil {
		return err
	}
	for _, scheme := range schemes {
		if _, err := run(ctx, "xdg-mime", "default", FileName, mime(scheme)); err != nil {
			return err
		}
	}
	after, err := r.Status(ctx)
	if err != nil {
		return err
	}
	for _, h := range after {
		if slices.Contains(schemes, h.Scheme) && !h.Ours {
			return fmt.Errorf("%w: %s by %s", ErrNotTaken, h.Scheme, h.Name)
		}
	}
	return nil
}

// remember adds the programs that open these links now to the memory; one remembered earlier stays, since what
// opens links now may be ourselves.
func (r Registrar) remember(now []Handler, schemes []string) error {
	memory, err := r.recall()
	if err != nil {
		return err
	}
	for _, h := range now {
		if _, known := memory[h.Scheme]; slices.Contains(schemes, h.Scheme) && !h.Ours && !known {
			memory[h.Scheme] = h.Name
		}
	}
	text, err := json.Marshal(memory)
	if err == nil {
		err = desktopfile.Write(r.memory(), string(text))
	}
	if err != nil {
		return fmt.Errorf("remember who opened links before: %w", err)
	}
	return nil
}

func (r Registrar) recall() (map[string]string, error) {
	memory := map[string]string{}
	text, err := os.ReadFile(r.memory())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return memory, nil
	case err != nil:
		return nil, fmt.Errorf("recall who opened links before: %w", err)
	}
	if json.Unmarshal(text, &memory) != nil || memory == nil {
		memory = map[string]string{} // a broken memory is no reason to keep anybody from leaving
	}
	return memory, nil
}

// Unregister gives the links back to who opened them before, and takes our desktop file away.
func (r Registrar) Unregister(ctx context.Context) error {
	memory, err := r.recall()
	if err != nil {
		return err
	}
	path, err := r.file()
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unregister links: %w", err)
	}
	if err := errors.Join(forget(), updateDatabase(ctx, filepath.Dir(path))); err != nil {
		return err
	}
	for scheme, name := range memory {
		if name == "" {
			continue
		}
		if _, err := run(ctx, "xdg-mime", "default", name, mime(scheme)); err != nil {
			return err
		}
	}
	if err := os.Remove(r.memory()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget who opened links before: %w", err)
	}
	return nil
}

// forget takes our name out of the user's choices; xdg-mime can set a program but not take one away.
func forget() error {
	config, err := os.UserConfigDir()
	if err != nil {
		return fmt.Errorf("find the user's choices: %w", err)
	}
	path := filepath.Join(config, "mimeapps.list")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the user's choices: %w", err)
	}
	kept := without(string(text))
	if kept == string(text) {
		return nil
	}
	if err := desktopfile.Write(path, kept); err != nil {
		return fmt.Errorf("write the user's choices: %w", err)
	}
	return nil
}

// without drops our file from every line of a mimeapps.list, and lines that are then empty.
func without(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		key, value, isPair := strings.Cut(strings.TrimSpace(line), "=")
		if !isPair || !slices.Contains(strings.Split(value, ";"), FileName) {
			out.WriteString(line)
			continue
		}
		rest := slices.DeleteFunc(strings.Split(value, ";"), func(s string) bool { return s == FileName || s == "" })
		if len(rest) > 0 {
			out.WriteString(key + "=" + strings.Join(rest, ";") + ";\n")
		}
	}
	return out.String()
}

// Status asks the desktop who opens links of each of our schemes.
func (r Registrar) Status(ctx context.Context) ([]Handler, error) {
	list := make([]Handler, 0, len(Schemes))
	for _, scheme := range Schemes {
		name, err := run(ctx, "xdg-mime", "query", "default", mime(scheme))
		if err != nil {
			return nil, err
		}
		list = append(list, Handler{Scheme: scheme, Ours: name == FileName, Name: name})
	}
	return list, nil
}

func mime(scheme string) string { return "x-scheme-handler/" + scheme }

// run runs a desktop tool and gives its first line.
func run(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, toolLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(trouble.String()))
	}
	line, _, _ := strings.Cut(out.String(), "\n")
	return strings.TrimSpace(line), nil
}
