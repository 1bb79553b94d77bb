package script

import (
	"fmt"
	"strings"
)

// Error is what is wrong with a script, at a place a person can find. Line and Column count from 1, columns in characters.
type Error struct {
	Line, Column int
	Err          error
}

// Error says the place first.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %v", e.Line, e.Column, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// word is a token of a line.
type word struct {
	text   string
	quoted bool
	column int
}

// line is the words of one line. Reading past the end yields an empty word at the end's column.
type line struct {
	number int
	raw    []rune
	words  []word
	next   int
	width  int
}

func (l *line) peek() word {
	if l.next < len(l.words) {
		return l.words[l.next]
	}
	return word{column: l.width + 1}
}

func (l *line) take() word {
	w := l.peek()
	l.next++
	return w
}

// accept takes the given words if they all follow.
func (l *line) accept(texts ...string) bool {
	for i, text := range texts {
		if l.next+i >= len(l.words) || l.words[l.next+i].quoted || l.words[l.next+i].text != text {
			return false
		}
	}
	l.next += len(texts)
	return true
}

func (l *line) done() bool { return l.next >= len(l.words) }

// rest takes what is left of the line as it is written, without a comment after a blank.
func (l *line) rest() string {
	if l.done() {
		return ""
	}
	text := string(l.raw[l.peek().column-1:])
	l.next = len(l.words)
	text, _, _ = strings.Cut(text, " #")
	return strings.TrimSpace(text)
}

// errorf is an error at a word.
func (l *line) errorf(w word, format string, args ...any) error {
	return &Error{Line: l.number, Column: w.column, Err: fmt.Errorf(format, args...)}
}

// expected is the error for a word that does not fit.
func (l *line) expected(what string) error {
	w := l.peek()
	if w.text == "" && !w.quoted {
		return l.errorf(w, "%s is missing", what)
	}
	return l.errorf(w, "expected %s, found %q", what, w.text)
}

// split makes words of a line. A # at the beginning of a word starts a comment; commas are words of their own.
func split(number int, text string) (*line, error) {
	runes := []rune(text)
	l := &line{number: number, raw: runes, width: len(runes)}
	for i := 0; i < len(runes); {
		switch r := runes[i]; {
		case r == ' ' || r == '\t':
			i++
		case r == '#':
			return l, nil
		case r == ',':
			l.words = append(l.words, word{text: ",", column: i + 1})
			i++
		case r == '"':
			w, end, err := quoted(l, runes, i)
			if err != nil {
				return l, err
			}
			l.words = append(l.words, w)
			i = end
		default:
			start := i
			for i < len(runes) && !strings.ContainsRune(" \t\",", runes[i]) {
				i++
			}
			l.words = append(l.words, word{text: string(runes[start:i]), column: start + 1})
		}
	}
	return l, nil
}

func quoted(l *line, runes []rune, start int) (word, int, error) {
	var b strings.Builder
	for i := start + 1; i < len(runes); i++ {
		switch {
		case runes[i] == '"':
			return word{text: b.String(), quoted: true, column: start + 1}, i + 1, nil
		case runes[i] == '\\' && i+1 < len(runes):
			i++
		}
		b.WriteRune(runes[i])
	}
	return word{}, 0, l.errorf(word{column: start + 1}, "the quotation is not closed")
}
