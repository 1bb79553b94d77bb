package nfon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// text is a string of NFON's that may also come as a bare number, null or not at all; anything else counts as absent.
type text string

// UnmarshalJSON never fails on a well-formed document: one odd field must not cost the event.
func (t *text) UnmarshalJSON(data []byte) error {
	*t = ""
	switch c := data[0]; {
	case c == '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return fmt.Errorf("text: %w", err)
		}
		*t = text(s)
	case c == '-' || (c >= '0' && c <= '9'):
		*t = text(data)
	}
	return nil
}

// cut shortens s to at most n bytes, not within a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// operation names a path without what varies in it.
func operation(path string) string {
	path, _, _ = strings.Cut(path, "?")
	if strings.HasPrefix(path, pathCalls+"/") {
		return pathCalls + "/{uuid}"
	}
	return path
}

// withoutURL drops the address from an error of net/http: it may hold what was asked for.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// jsonProblem says what was wrong without repeating the content, which holds numbers of callers.
func jsonProblem(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("broken JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("unexpected JSON %s", kind.Type)
	}
	return errors.New("broken JSON")
}
