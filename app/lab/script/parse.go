package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"deskbell/app/lab/nfon"
)

// Limits that keep a slip of the pen from running for ever.
const (
	maxNesting = 16
	maxLoops   = 1_000_000
	maxLines   = 100_000
)

// Script is a parsed script. It may be run several times, also at the same time.
type Script struct{ steps []step }

// step is a statement with its place.
type step struct {
	line, column int
	do           action
}

// block collects the steps of the script or of a loop.
type block struct {
	steps  []step
	rounds int
	opened step
}

// Parse reads a script. All errors are reported at once, joined; each is an *Error.
func Parse(text string) (*Script, error) {
	lines := strings.Split(text, "\n")
	if len(lines) > maxLines {
		return nil, &Error{Line: maxLines, Column: 1, Err: fmt.Errorf("a script has at most %d lines", maxLines)}
	}
	p := &parser{blocks: []*block{{}}}
	for i, text := range lines {
		l, err := split(i+1, strings.TrimSuffix(text, "\r"))
		if err == nil && !l.done() {
			err = p.line(l)
		}
		if err != nil {
			p.errs = append(p.errs, err)
		}
	}
	for _, open := range p.blocks[1:] {
		p.errs = append(p.errs, &Error{Line: open.opened.line, Column: open.opened.column, Err: errors.New("this loop has no end")})
	}
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return &Script{steps: p.blocks[0].steps}, nil
}

type parser struct {
	blocks []*block
	errs   []error
}

func (p *parser) line(l *line) error {
	first := l.peek()
	switch {
	case l.accept("loop"):
		return p.openLoop(l, first)
	case len(l.words) == 1 && l.accept("end"):
		return p.closeLoop(l, first)
	}
	do, err := statement(l)
	if err != nil {
		return err
	}
	if !l.done() {
		return l.errorf(l.peek(), "nothing may follow here, found %q", l.peek().text)
	}
	p.add(step{l.number, first.column, do})
	return nil
}

func (p *parser) add(s step) {
	b := p.blocks[len(p.blocks)-1]
	b.steps = append(b.steps, s)
}

func (p *parser) openLoop(l *line, first word) error {
	n, err := l.count(maxLoops)
	if err != nil {
		return err
	}
	if len(p.blocks) > maxNesting {
		return l.errorf(first, "loops may be nested %d deep", maxNesting)
	}
	if !l.done() {
		return l.errorf(l.peek(), "nothing may follow here, found %q", l.peek().text)
	}
	p.blocks = append(p.blocks, &block{rounds: n, opened: step{line: l.number, column: first.column}})
	return nil
}

func (p *parser) closeLoop(l *line, first word) error {
	if len(p.blocks) == 1 {
		return l.errorf(first, "this end closes no loop")
	}
	b := p.blocks[len(p.blocks)-1]
	p.blocks = p.blocks[:len(p.blocks)-1]
	p.add(step{b.opened.line, b.opened.column, loop(b.rounds, b.steps)})
	return nil
}

// statement parses one statement that is not a loop.
func statement(l *line) (action, error) {
	first := l.peek()
	if !first.quoted {
		if parse, ok := statements[first.text]; ok {
			l.take()
			return parse(l)
		}
	}
	return partyStatement(l)
}

// statements by their first word. It is filled in init, since `at` holds a statement itself.
var statements map[string]func(*line) (action, error)

func init() {
	statements = map[string]func(*line) (action, error){
		"phone": phoneStatement, "outside": outsideStatement, "at": atStatement, "wait": waitStatement,
		"set": setStatement, "reset": resetStatement, "fault": faultStatement, "crm": crmStatement,
		"drop": dropStatement, "close": closeStatement, "send": sendStatement, "revoke": revokeStatement,
		"expect": expectStatement, "mark": markStatement, "say": sayStatement, "call": callStatement,
	}
}

// duration reads a span such as 2s or 150ms.
func (l *line) duration() (time.Duration, error) {
	w := l.peek()
	d, err := time.ParseDuration(w.text)
	if err != nil || d < 0 || w.quoted {
		return 0, l.expected("a time such as 2s")
	}
	l.take()
	return d, nil
}

// count reads a whole number from 1 to limit.
func (l *line) count(limit int) (int, error) {
	n, err := strconv.Atoi(l.peek().text)
	if err != nil || n < 1 || n > limit {
		return 0, l.expected(fmt.Sprintf("a number from 1 to %d", limit))
	}
	l.take()
	return n, nil
}

func isExtension(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return text != "" && len(text) <= 15
}

func isGlobal(text string) bool {
	return strings.HasPrefix(text, "+") && isExtension(text[1:]) && len(text) > 3 && text[1] != '0'
}

func isCode(text string) bool {
	return text != "" && strings.Trim(text, "0123456789*#") == "" && len(text) <= 32
}

// extension reads an extension.
func (l *line) extension() (string, error) {
	if w := l.peek(); !isExtension(w.text) || w.quoted {
		return "", l.expected("an extension")
	}
	return l.take().text, nil
}

// extensions reads one or more, separated by commas.
func (l *line) extensions() ([]string, error) {
	var list []string
	for {
		ext, err := l.extension()
		if err != nil {
			return nil, err
		}
		list = append(list, ext)
		if !l.accept(",") {
			return list, nil
		}
	}
}

// name reads an optional quoted name.
func (l *line) name() string {
	if l.peek().quoted {
		return l.take().text
	}
	return ""
}

// behaviour reads what a party does by itself; ok is false when the line says nothing of it.
func (l *line) behaviour() (b nfon.Behaviour, ok bool, err error) {
	switch {
	case l.accept("answers"):
		b.Act = nfon.Answers
	case l.accept("rejects"):
		b.Act = nfon.Rejects
	case l.accept("is", "busy"):
		return nfon.Behaviour{Act: nfon.Busy}, true, nil
	case l.accept("rings", "out"):
		b.Act = nfon.RingOut
	case l.accept("does", "nothing"):
		return b, true, nil
	default:
		return b, false, nil
	}
	if l.accept("after") {
		b.After, err = l.duration()
	}
	return b, true, err
}
