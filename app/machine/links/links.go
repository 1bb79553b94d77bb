// Package links makes this program the one that opens telephone links, and gives that back.
package links

import "errors"

// Schemes are the link kinds we can take: telephone numbers, and our own invitations.
var Schemes = []string{"tel", "callto", "deskbell"}

// ErrUnsupported means that this system has no place of its user's to register links at.
var ErrUnsupported = errors.New("opening links is not available on this system")

// ErrNotTaken means that the desktop was told but still names another program; its Handler says which.
var ErrNotTaken = errors.New("the desktop kept its other program for these links")

// Handler is who opens links of one scheme.
type Handler struct {
	Scheme string
	Ours   bool
	Name   string // the desktop's name for the program; empty when there is none
}
