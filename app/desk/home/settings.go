package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pelletier/go-toml/v2"

	"deskbell/app/desk"
)

// Settings reads the user's settings, by name. A file that cannot be read is kept aside under another name, which aside
// gives, and the defaults hold. Single settings that make no sense are left out and named in odd. It is for the resident
// program, which tells the user so; the command line peeks.
func (h *Home) Settings() (settings map[string]string, odd []string, aside string, err error) {
	settings, odd, err = h.PeekSettings()
	if err == nil {
		return settings, odd, "", nil
	}
	aside, moveErr := keepAside(filepath.Join(h.config, settingsFile))
	return settings, odd, aside, errors.Join(err, moveErr)
}

// PeekSettings reads the user's settings and touches nothing. With an error there are none, and the defaults hold.
func (h *Home) PeekSettings() (settings map[string]string, odd []string, err error) {
	settings = map[string]string{}
	data, err := read(filepath.Join(h.config, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return settings, nil, nil
	}
	raw := map[string]any{}
	if err == nil {
		err = toml.Unmarshal(data, &raw)
	}
	if err != nil {
		return settings, nil, fmt.Errorf("read settings: %w", err)
	}
	for name, value := range raw {
		text := asText(value)
		if !desk.ValidSetting(name, text) {
			odd = append(odd, name)
			continue
		}
		settings[name] = text
	}
	return settings, odd, nil
}

// asText gives a TOML value as the text that settings are.
func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return "\x00" // no setting may have it, so that it counts as odd
}

// keepAside renames a broken file to a name that is free.
func keepAside(path string) (string, error) {
	for n := 1; n < 100; n++ {
		aside := path + ".broken-" + strconv.Itoa(n)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(path, aside); err != nil {
				return path, fmt.Errorf("keep aside: %w", err)
			}
			return aside, nil
		}
	}
	return path, errors.New("keep aside: too many broken files")
}

// SaveSetting implements desk.Store: it changes one setting and leaves the others, also those this version does not know.
func (h *Home) SaveSetting(name, value string) error {
	path := filepath.Join(h.config, settingsFile)
	raw := map[string]any{}
	data, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := toml.Unmarshal(data, &raw); err != nil {
			return fmt.Errorf("read settings: %w", err)
		}
	}
	raw[name] = typed(value)
	out, err := toml.Marshal(raw)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	return replace(path, out)
}

// typed gives a setting the TOML type a person would write.
func typed(value string) any {
	if b, err := strconv.ParseBool(value); err == nil && (value == "true" || value == "false") {
		return b
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return n
	}
	return value
}
