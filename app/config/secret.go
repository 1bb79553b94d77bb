package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
)

// Secret is a reference to a password or token that is kept elsewhere: a file or an environment variable. In the settings
// it is { file = "/path" }, { env = "NAME" }, "file:/path" or "env:NAME". "{subject}" in it stands for the device or
// user, for systems where each signs in for itself.
type Secret struct{ File, Env string }

// ErrSecret is wrapped by every error of Resolve.
var ErrSecret = errors.New("secret")

// maxSecret is the largest secret in bytes.
const maxSecret = 64 << 10

// ParseSecret reads "file:/path" or "env:NAME"; false means that the text is no reference.
func ParseSecret(s string) (Secret, bool) {
	if file, ok := strings.CutPrefix(s, "file:"); ok && file != "" {
		return Secret{File: file}, true
	}
	if env, ok := strings.CutPrefix(s, "env:"); ok && env != "" {
		return Secret{Env: env}, true
	}
	return Secret{}, false
}

// String gives the reference, which is no secret.
func (s Secret) String() string {
	switch {
	case s.File != "":
		return "file:" + s.File
	case s.Env != "":
		return "env:" + s.Env
	}
	return ""
}

// LogValue shows the reference. The secret itself never is in a Secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

var subjectShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_@-]*(?:\.[A-Za-z0-9_@-]+)*$`)

const subjectMark = "{subject}"

// perSubject tells that there is one secret for each device or user.
func (s Secret) perSubject() bool { return strings.Contains(s.File+s.Env, subjectMark) }

// Resolve reads the secret now, so that a changed file is noticed. Line ends at its end do not belong to it. Errors name
// the reference, never what was read.
func (s Secret) Resolve(ctx context.Context, subject string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if s.perSubject() && !subjectShape.MatchString(subject) {
		return "", fmt.Errorf("%w %s: %q cannot stand for {subject}", ErrSecret, s, subject)
	}
	value, err := s.read(subject)
	if err != nil {
		return "", fmt.Errorf("%w %s: %w", ErrSecret, s, err)
	}
	value = strings.TrimRight(value, "\r\n")
	if value == "" {
		return "", fmt.Errorf("%w %s: is empty", ErrSecret, s)
	}
	return value, nil
}

func (s Secret) read(subject string) (string, error) {
	switch {
	case s.File != "":
		return readSmall(strings.ReplaceAll(s.File, subjectMark, subject))
	case s.Env != "":
		value, ok := os.LookupEnv(strings.ReplaceAll(s.Env, subjectMark, subject))
		if !ok {
			return "", errors.New("the environment variable is not set")
		}
		return value, nil
	}
	return "", errors.New("is not set")
}

func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > maxSecret:
		return "", fmt.Errorf("has more than %d bytes", maxSecret)
	}
	return string(b), nil
}

// Secrets are the references of one connector by their key, "password" or "auth.token". They serve pbx.Secrets and
// contact.Secrets.
type Secrets map[string]Secret

// Secret reads the secret that the settings name under key.
func (s Secrets) Secret(ctx context.Context, key, subject string) (string, error) {
	reference, ok := s[key]
	if !ok {
		return "", fmt.Errorf("%w: %s is not set", ErrSecret, key)
	}
	return reference.Resolve(ctx, subject)
}

// secretKey tells keys whose value must be a reference.
var secretKey = regexp.MustCompile(`(?i)(?:^|[_-])(?:password|passwd|passphrase|token|secret|api[_-]?key|private[_-]?key)$`)

// extract takes the references out of a connector's table: the connector's own settings get them as text, so that it can
// tell a missing one, and nobody can write the secret itself into the file.
func (d decoder) extract(key string, table map[string]any, below string, to Secrets) {
	for _, name := range sortedKeys(table) {
		at, full := join(below, name), join(key, name)
		switch v := table[name].(type) {
		case map[string]any:
			if s, ok := d.reference(full, name, v); ok {
				to[at], table[name] = s, s.String()
			} else if !secretKey.MatchString(name) {
				d.extract(full, v, at, to)
			}
		case string:
			if !secretKey.MatchString(name) || v == "" {
				continue
			}
			s, ok := ParseSecret(v)
			if !ok {
				d.problems.add(full, `a secret must not stand here; write { file = "/path" } or { env = "NAME" }`)
				s = Secret{Env: "MISSING"}
			} else {
				to[at] = s
			}
			table[name] = s.String()
		}
	}
}

// reference reads { file = … } or { env = … }. Another table under a secret's key is a mistake.
func (d decoder) reference(key, name string, table map[string]any) (Secret, bool) {
	file, isFile := table["file"].(string)
	env, isEnv := table["env"].(string)
	switch {
	case len(table) == 1 && isFile && file != "":
		return Secret{File: file}, true
	case len(table) == 1 && isEnv && env != "":
		return Secret{Env: env}, true
	case secretKey.MatchString(name):
		d.problems.add(key, `expected { file = "/path" } or { env = "NAME" }`)
	}
	return Secret{}, false
}
