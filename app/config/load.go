package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Options say how a settings file is judged.
type Options struct {
	Types Types
	// SkipFiles leaves out whether files, folders and environment variables that are named exist: for a file that is meant
	// for another machine.
	SkipFiles bool
}

// maxFile is the largest settings file in bytes; hundreds of users fit many times.
const maxFile = 16 << 20

// Load reads a settings file. The error is a Problems with all that keeps the server from starting; the warnings are
// returned beside it. On an error the Config is what could be read and must not be used to serve.
func Load(path string, o Options) (*Config, Problems, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("settings: %w", err)
	}
	if info.Size() > maxFile {
		return nil, nil, fmt.Errorf("settings: the file has more than %d bytes", maxFile)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("settings: %w", err)
	}
	c, problems := Parse(content, o)
	if !o.SkipFiles && runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		problems.warn("", "the settings file can be changed by other users (mode %04o); use chmod 640", info.Mode().Perm())
	}
	return c, problems, problems.Errors()
}

// Check tells all problems of a settings file, warnings included; one that cannot be read is a problem too.
func Check(path string, o Options) Problems {
	_, problems, err := Load(path, o)
	var listed Problems
	if err != nil && !errors.As(err, &listed) {
		return Problems{{Text: err.Error()}}
	}
	return problems
}

// Parse reads the content of a settings file and tells all problems, sorted by key.
func Parse(content []byte, o Options) (*Config, Problems) {
	c, problems := defaults(), Problems{}
	var tree map[string]any
	if err := toml.Unmarshal(content, &tree); err != nil {
		problems.add("", "%s", syntax(err))
		return c, problems
	}
	d := decoder{&problems}
	d.top(c, tree, o.Types)
	c.validate(&problems, !o.SkipFiles)
	problems.sort()
	return c, problems
}

// syntax names the line, which is all that helps with a syntax error.
func syntax(err error) string {
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, column := at.Position()
		return fmt.Sprintf("line %d, column %d: %s", line, column, strings.TrimPrefix(at.Error(), "toml: "))
	}
	return strings.TrimPrefix(err.Error(), "toml: ")
}

// top decodes the file section by section; those with a type have further keys.
func (d decoder) top(c *Config, tree map[string]any, types Types) {
	systems, contacts := tree["system"], tree["contacts"]
	delete(tree, "system")
	delete(tree, "contacts")
	d.structure("", tree, reflect.ValueOf(c).Elem(), nil)
	d.typed("system", systems, func(id string, table map[string]any) {
		var s System
		s.Config, s.Secrets = d.connector(join("system", id), table, &s, types.Systems)
		c.Systems[id] = s
	})
	d.typed("contacts", contacts, func(id string, table map[string]any) {
		var s Contacts
		s.Config, s.Secrets = d.connector(join("contacts", id), table, &s, types.Contacts)
		c.Contacts[id] = s
	})
}

func (d decoder) typed(key string, v any, each func(id string, table map[string]any)) {
	if v == nil {
		return
	}
	tables, ok := d.table(key, v)
	if !ok {
		return
	}
	for _, id := range sortedKeys(tables) {
		if table, ok := d.table(join(key, id), tables[id]); ok {
			each(id, table)
		}
	}
}

// connector decodes a section with a type: the common keys into common, all others into the type's own settings.
func (d decoder) connector(key string, table map[string]any, common any, types map[string]func() Validator) (Validator, Secrets) {
	to := reflect.ValueOf(common).Elem()
	name, _ := table["type"].(string)
	empty, ok := types[name]
	if !ok {
		d.structure(key, table, to, sortedKeys(table))
		d.unknownType(key, name, sortedKeys(types))
		return nil, nil
	}
	own := empty()
	secrets := Secrets{}
	rest := map[string]any{}
	fields := fieldsOf(to.Type())
	for k, v := range table {
		if _, common := fields[k]; !common {
			rest[k] = v
		}
	}
	d.extract(key, rest, "", secrets)
	d.structure(key, table, to, sortedKeys(rest))
	before := len(*d.problems)
	d.structure(key, rest, reflect.ValueOf(own).Elem(), nil)
	d.suggestCommon(before, sortedKeys(fields))
	// With a value of the wrong type, the connector would only repeat that it is missing.
	if len(*d.problems) == before {
		d.problems.addAll(key, own.Validate())
	}
	return own, secrets
}

// suggestCommon lets unknown keys be misspellings of the common keys too.
func (d decoder) suggestCommon(from int, common []string) {
	for i := from; i < len(*d.problems); i++ {
		p := &(*d.problems)[i]
		_, name, _ := cutLast(p.Key, ".")
		if meant := similar(name, common); meant != "" && strings.HasPrefix(p.Text, "unknown key, expected") {
			p.Text = fmt.Sprintf("unknown key, did you mean %q?", meant)
		}
	}
}

func (d decoder) unknownType(key, name string, known []string) {
	key = join(key, "type")
	switch meant := similar(name, known); {
	case name == "":
		d.problems.add(key, "is missing, expected one of %s", strings.Join(known, ", "))
	case meant != "":
		d.problems.add(key, "%q is not known, did you mean %q?", name, meant)
	default:
		d.problems.add(key, "%q is not known, expected one of %s", name, strings.Join(known, ", "))
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(sep):], true
}

func defaultDataDir() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "Deskbell")
	}
	return "/var/lib/deskbell"
}
