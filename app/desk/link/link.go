// Package link reads the links that open Deskbell: tel: (RFC 3966), callto: and deskbell:. Every one of them is hostile.
package link

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a link, in bytes. A link beyond them is refused, never cut.
const (
	MaxLink   = 2048
	MaxNumber = 128
	maxCode   = 256
)

// Errors of Parse; all of them mean that the link does nothing.
var (
	ErrTooLong  = errors.New("link is too long")
	ErrScheme   = errors.New("not a tel:, callto: or deskbell: link")
	ErrNumber   = errors.New("link holds no number")
	ErrEnroll   = errors.New("not a complete invitation")
	ErrInsecure = errors.New("invitation names an unprotected address")
)

// Schemes are those that Deskbell opens.
var Schemes = []string{"tel", "callto", "deskbell"}

// Link is what a link asks for: a number to dial, or an invitation to accept.
type Link struct {
	Number     string // as written in the link, percent-decoded; the server makes sense of it
	Invitation *Invitation
}

// Invitation is the content of deskbell://enroll?server=…&code=….
type Invitation struct {
	Server string // base address, https, or http on this computer only; no path, no slash at its end
	Code   string // one-time code; secret
}

// Host is the server's name as people should see it before they agree.
func (i Invitation) Host() string {
	u, err := url.Parse(i.Server)
	if err != nil {
		return ""
	}
	return u.Host
}

// Looks reports whether a text is meant as a link, by its scheme.
func Looks(s string) bool {
	_, _, ok := cut(strings.TrimSpace(s))
	return ok
}

// Parse reads a link.
func Parse(s string) (Link, error) {
	s = strings.TrimSpace(s)
	if len(s) > MaxLink {
		return Link{}, ErrTooLong
	}
	scheme, rest, ok := cut(s)
	switch {
	case !ok:
		return Link{}, ErrScheme
	case scheme == "deskbell":
		return parseOwn(s)
	}
	n, err := parseNumber(rest)
	return Link{Number: n}, err
}

// cut parts a link into its scheme, in lower case, and the rest.
func cut(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	scheme = strings.ToLower(scheme)
	if !ok {
		return "", "", false
	}
	for _, known := range Schemes {
		if scheme == known {
			return scheme, rest, true
		}
	}
	return "", "", false
}

// parseNumber reads what follows "tel:" or "callto:". Slashes before the number ("tel://") are common in the wild.
func parseNumber(rest string) (string, error) {
	rest = strings.TrimLeft(rest, "/")
	if inner, ok := strings.CutPrefix(strings.ToLower(rest), "tel:"); ok {
		rest = rest[len(rest)-len(inner):] // "callto:tel:…"
	}
	rest, _, _ = strings.Cut(rest, "?")
	parts := strings.Split(rest, ";")
	number, err := decode(parts[0])
	if err != nil {
		return "", err
	}
	ext := ""
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(p, "=")
		if value, err = decode(value); err != nil {
			return "", err
		}
		switch strings.ToLower(name) {
		case "ext":
			ext = value
		case "phone-context":
			number = inContext(number, value)
		}
	}
	return assemble(number, ext)
}

// inContext completes a local number by its context where that is a number itself; a domain names a private plan, and
// there the number stands as it is (RFC 3966, 5.1.5).
func inContext(number, context string) string {
	if strings.HasPrefix(context, "+") && !strings.HasPrefix(number, "+") {
		return context + number
	}
	return number
}

func assemble(number, ext string) (string, error) {
	number = strings.TrimSpace(number)
	if ext != "" {
		number += ";ext=" + ext
	}
	if len(number) > MaxNumber {
		return "", ErrTooLong
	}
	if !strings.ContainsFunc(number, func(r rune) bool { return r == '*' || r == '#' || unicode.IsDigit(r) || unicode.IsLetter(r) }) {
		return "", ErrNumber
	}
	return number, nil
}

// decode undoes percent-encoding and refuses whatever could hide a number's true shape: control characters, direction
// marks, invisible characters, broken UTF-8.
func decode(s string) (string, error) {
	d, err := url.PathUnescape(s)
	if err != nil {
		return "", fmt.Errorf("%w: bad percent-encoding", ErrNumber)
	}
	if !utf8.ValidString(d) {
		return "", fmt.Errorf("%w: not UTF-8", ErrNumber)
	}
	if strings.ContainsFunc(d, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return "", fmt.Errorf("%w: hidden characters", ErrNumber)
	}
	return d, nil
}

// ParseInvitation reads an invitation as it was sent: the link, or the server's address and the code as text.
func ParseInvitation(s string) (Invitation, error) {
	if fields := strings.Fields(s); len(fields) > 1 && len(s) <= MaxLink {
		return invitation(fields[0], strings.Join(fields[1:], ""))
	}
	l, err := Parse(s)
	switch {
	case err != nil:
		return Invitation{}, err
	case l.Invitation == nil:
		return Invitation{}, ErrEnroll
	}
	return *l.Invitation, nil
}

// invitation checks the two parts of one.
func invitation(server, code string) (Invitation, error) {
	server, err := base(server)
	if err != nil {
		return Invitation{}, err
	}
	if code == "" || len(code) > maxCode || strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Invitation{}, ErrEnroll
	}
	return Invitation{Server: server, Code: code}, nil
}

func parseOwn(s string) (Link, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host != "enroll" && u.Opaque != "enroll" {
		return Link{}, ErrEnroll
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(q["server"]) != 1 || len(q["code"]) != 1 {
		return Link{}, ErrEnroll
	}
	i, err := invitation(q.Get("server"), q.Get("code"))
	if err != nil {
		return Link{}, err
	}
	return Link{Invitation: &i}, nil
}

// base checks a server's address: https, or http to this computer, and nothing behind the host that could mislead.
func base(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", ErrEnroll
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !Loopback(u.Hostname()) {
			return "", ErrInsecure
		}
	default:
		return "", ErrEnroll
	}
	return u.Scheme + "://" + u.Host, nil
}

// Loopback reports whether a host name can only mean this computer.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
