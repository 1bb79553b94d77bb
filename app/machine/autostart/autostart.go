// Package autostart decides whether the program starts when its user signs in.
package autostart

import "errors"

// ErrUnsupported means that this system has no place of its user's for that.
var ErrUnsupported = errors.New("starting at sign-in is not available on this system")

// Status is what happens at sign-in.
type Status int

// Off: nothing. On: this program starts. Other: an entry of ours starts another file, such as an older copy.
const (
	Off Status = iota
	On
	Other
)
