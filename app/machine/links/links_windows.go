package links

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// Everything lies below HKEY_CURRENT_USER: no administrator is needed and nobody else is touched.
const (
	classes      = `Software\Classes\`
	capabilities = `Software\Deskbell\Capabilities`
	registered   = `Software\RegisteredApplications`
	appName      = "Deskbell"
	progID       = "Deskbell.Link"
)

// Registrar registers links for the user who runs it. StateDir is not needed here: Windows keeps the user's choice.
type Registrar struct {
	Exe      string   // absolute path of our program; the link becomes its last argument
	Args     []string // before the link
	StateDir string
}

func (r Registrar) command() string {
	return windows.ComposeCommandLine(append([]string{r.Exe}, r.Args...)) + ` "%1"`
}

// Install makes us one of the programs that Windows offers for these links.
func (r Registrar) Install(context.Context) error {
	values := []struct{ path, name, value string }{
		{classes + progID, "", "URL:Deskbell"},
		{classes + progID, "URL Protocol", ""},
		{classes + progID + `\DefaultIcon`, "", r.Exe + ",0"},
		{classes + progID + `\shell\open\command`, "", r.command()},
		{capabilities, "ApplicationName", appName},
		{capabilities, "ApplicationDescription", appName},
		{registered, appName, capabilities},
	}
	for _, scheme := range Schemes {
		values = append(values, struct{ path, name, value string }{capabilities + `\URLAssociations`, scheme, progID})
	}
	for _, v := range values {
		if err := set(v.path, v.name, v.value); err != nil {
			return err
		}
	}
	return nil
}

// Register installs us and takes the schemes that no program of this user has. Where the user has chosen another
// program in the settings, only the user can change that: ErrNotTaken.
func (r Registrar) Register(ctx context.Context, schemes ...string) error {
	if len(schemes) == 0 {
		schemes = Schemes
	}
	if err := r.Install(ctx); err != nil {
		return err
	}
	for _, scheme := range schemes {
		if err := errors.Join(
			set(classes+scheme, "", "URL:"+scheme),
			set(classes+scheme, "URL Protocol", ""),
			set(classes+scheme+`\shell\open\command`, "", r.command()),
		); err != nil {
			return err
		}
		if choice := userChoice(scheme); choice != "" && choice != progID {
			return fmt.Errorf("%w: %s by %s", ErrNotTaken, scheme, choice)
		}
	}
	return nil
}

// userChoice is the program that the user picked in the settings; Windows signs that value, nobody else may write it.
func userChoice(scheme string) string {
	value, _ := get(`Software\Microsoft\Windows\Shell\Associations\UrlAssociations\`+scheme+`\UserChoice`, "ProgId")
	return value
}

// Unregister takes away what Register wrote, where it is still ours.
func (r Registrar) Unregister(ctx context.Context) error {
	status, err := r.Status(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, h := range status {
		command, _ := get(classes+h.Scheme+`\shell\open\command`, "")
		if command == r.command() {
			failed = errors.Join(failed, removeTree(classes+h.Scheme, `\shell\open\command`, `\shell\open`, `\shell`, ""))
		}
	}
	failed = errors.Join(failed,
		removeTree(classes+progID, `\shell\open\command`, `\shell\open`, `\shell`, `\DefaultIcon`, ""),
		removeTree(capabilities, `\URLAssociations`, ""))
	key, err := registry.OpenKey(registry.CURRENT_USER, registered, registry.SET_VALUE)
	if err != nil {
		return failed
	}
	defer func() { _ = key.Close() }() // the value is gone by then
	if err := key.DeleteValue(appName); err != nil && !errors.Is(err, registry.ErrNotExist) {
		failed = errors.Join(failed, err)
	}
	return failed
}

// Status tells who opens links of each of our schemes.
func (r Registrar) Status(context.Context) ([]Handler, error) {
	list := make([]Handler, 0, len(Schemes))
	for _, scheme := range Schemes {
		h := Handler{Scheme: scheme, Name: userChoice(scheme)}
		if h.Name == "" {
			h.Name, _ = get(classes+scheme+`\shell\open\command`, "")
		}
		h.Ours = h.Name == progID || h.Name == r.command()
		list = append(list, h)
	}
	return list, nil
}

func set(path, name, value string) error {
	key, _, err := registry.CreateKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf("register links: %w", err)
	}
	defer func() { _ = key.Close() }() // the value is written by then
	if err := key.SetStringValue(name, value); err != nil {
		return fmt.Errorf("register links: %w", err)
	}
	return nil
}

func get(path, name string) (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, path, registry.QUERY_VALUE)
	if err != nil {
		return "", err
	}
	defer func() { _ = key.Close() }() // read only
	value, _, err := key.GetStringValue(name)
	return value, err
}

// removeTree deletes keys, deepest first; missing ones are no error.
func removeTree(root string, below ...string) error {
	for _, path := range below {
		if err := registry.DeleteKey(registry.CURRENT_USER, root+path); err != nil && !errors.Is(err, registry.ErrNotExist) {
			return fmt.Errorf("unregister links: %w", err)
		}
	}
	return nil
}
