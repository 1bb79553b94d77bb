// Package browser opens web pages, and links of explicitly allowed other kinds, with the user's own programs.
package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pkg/browser"
)

// Errors a caller decides on.
var (
	// ErrScheme means that links of this kind are not allowed to be opened.
	ErrScheme = errors.New("links of this kind are not opened")
	// ErrURL means that the text is no link that could be handed on safely.
	ErrURL = errors.New("not a usable link")
	// ErrNoBrowser means that the desktop has no program for the link.
	ErrNoBrowser = errors.New("no browser to open the link")
)

const (
	maxLength = 8192
	// refusal is how long a failing opener takes to say so; one that is still running by then has opened the page.
	refusal = 3 * time.Second
)

// never are schemes that run code or read files in the program that gets them, whatever the settings say.
var never = []string{"javascript", "data", "vbscript", "file", "about", "blob", "view-source"}

// Check tells whether Open would hand the link on: http and https always, other schemes when allowed names them.
func Check(link string, allowed []string) error {
	if link == "" || len(link) > maxLength || !utf8.ValidString(link) {
		return fmt.Errorf("%w: empty, too long or not text", ErrURL)
	}
	if strings.ContainsFunc(link, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || r == '"' || r == '<' || r == '>'
	}) {
		return fmt.Errorf("%w: it has spaces, quotes or control characters", ErrURL)
	}
	u, err := url.Parse(link)
	if err != nil {
		return fmt.Errorf("%w: it cannot be parsed", ErrURL) // the cause would quote the link, which may hold a number
	}
	scheme := strings.ToLower(u.Scheme)
	switch {
	case scheme == "":
		return fmt.Errorf("%w: it has no scheme", ErrURL)
	case scheme == "http" || scheme == "https":
		if u.Host == "" || u.Opaque != "" {
			return fmt.Errorf("%w: it names no server", ErrURL)
		}
		return nil
	case slices.Contains(never, scheme) || !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, scheme) }):
		return fmt.Errorf("%w: %q", ErrScheme, scheme)
	}
	return nil
}

// quiet keeps what browsers print away from our own output, which belongs to people.
var quiet = sync.OnceFunc(func() { browser.Stdout, browser.Stderr = nil, nil })

// Open hands a link to the user's browser, or to the program for its scheme when allowed names it. It returns as soon
// as the opener has done so; a browser that runs in the opener's place is not waited for. The link goes as one
// argument, never through a shell.
func Open(ctx context.Context, link string, allowed []string) error {
	if err := Check(link, allowed); err != nil {
		return err
	}
	quiet()
	done := make(chan error, 1)
	// The goroutine ends with the opener, which may be the browser itself and outlive us.
	go func() { done <- browser.OpenURL(link) }()
	limit := time.NewTimer(refusal)
	defer limit.Stop()
	select {
	case err := <-done:
		return explain(err)
	case <-limit.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("open a link: %w", ctx.Err())
	}
}

// explain tells the opener's failures apart. xdg-open ends with 3 when a program is missing and with 4 when the one
// there was failed (its manual page).
func explain(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: %w", ErrNoBrowser, err)
	case errors.As(err, &exit) && (exit.ExitCode() == 3 || exit.ExitCode() == 4):
		return fmt.Errorf("%w: opener ended with %d", ErrNoBrowser, exit.ExitCode())
	}
	return fmt.Errorf("open a link: %w", err)
}
