// Package desktopfile writes the files by which a freedesktop desktop knows a program, and quotes what stands in them.
package desktopfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// reserved are the characters that the Desktop Entry Specification wants an argument quoted for.
const reserved = " \t\n\"'\\><~|&;$*?#()`"

// Exec writes the value of an Exec key: each argument quoted where it must be, so that no shell and no file manager
// reads anything into it. An argument like %u, a field code, is for the caller to add.
func Exec(program string, args ...string) string {
	quoted := make([]string, 0, len(args)+1)
	for _, arg := range append([]string{program}, args...) {
		quoted = append(quoted, quote(arg))
	}
	return strings.Join(quoted, " ")
}

// quote quotes one argument. Backslashes are escaped twice: once for the quotes, once for the string value.
func quote(arg string) string {
	arg = strings.ReplaceAll(arg, "%", "%%")
	if arg != "" && !strings.ContainsAny(arg, reserved) {
		return arg
	}
	inQuotes := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`).Replace(arg)
	return `"` + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`).Replace(inQuotes) + `"`
}

// Program gives the first argument of an Exec value, unquoted.
func Program(exec string) string {
	exec = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t").Replace(exec)
	var out strings.Builder
	if !strings.HasPrefix(exec, `"`) {
		first, _, _ := strings.Cut(exec, " ")
		return strings.ReplaceAll(first, "%%", "%")
	}
	for i := 1; i < len(exec); i++ {
		switch c := exec[i]; {
		case c == '\\' && i+1 < len(exec):
			i++
			out.WriteByte(exec[i])
		case c == '"':
			return strings.ReplaceAll(out.String(), "%%", "%")
		default:
			out.WriteByte(c)
		}
	}
	return strings.ReplaceAll(out.String(), "%%", "%")
}

// Write replaces a file as a whole, so that a desktop never reads half of it; its folders are made.
func Write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".deskbell-*")
	if err != nil {
		return fmt.Errorf("make a file: %w", err)
	}
	_, err = temp.WriteString(text)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", filepath.Base(path), err), os.Remove(temp.Name()))
	}
	return nil
}
