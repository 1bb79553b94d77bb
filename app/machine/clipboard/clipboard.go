// Package clipboard reads and writes the text on the user's clipboard.
package clipboard

import (
	"errors"
	"time"
)

// Errors a caller decides on.
var (
	ErrNone     = errors.New("no clipboard on this desktop")
	ErrEmpty    = errors.New("no text on the clipboard")
	ErrTooLarge = errors.New("the clipboard's text is too large")
)

// MaxBytes is the most that Read takes: it is for numbers and names, and another program decides what it gets.
const MaxBytes = 64 << 10

// answerLimit bounds the wait for the program that owns the clipboard.
const answerLimit = time.Second
