package csv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"deskbell/app/contact"
	"deskbell/app/number"
)

// maxProblems is how many mistakes of a file are told; the others are counted.
const maxProblems = 100

// errSpreadsheet helps with the usual mistake.
var errSpreadsheet = errors.New("this is a spreadsheet, not a CSV file: save it as CSV (UTF-8)")

// reading is one pass over a file.
type reading struct {
	config  *Config
	numbers contact.Numbers
	batch   contact.Batch
	report  contact.Report
	columns columns
	seen    map[string]int // ids
}

// read fills batch from in. The report's Err is set if the file as a whole is of no use; then batch must not be committed.
func read(ctx context.Context, in io.Reader, config *Config, numbers contact.Numbers, batch contact.Batch) contact.Report {
	r := &reading{config: config, numbers: numbers, batch: batch, seen: map[string]int{}}
	r.report.Err = r.all(ctx, in)
	r.report.At = time.Now()
	return r.report
}

func (r *reading) all(ctx context.Context, in io.Reader) error {
	rows := &records{in: decoded(in, r.config.Encoding)}
	if err := r.heading(rows); err != nil {
		return err
	}
	for {
		fields, line, bad, err := rows.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case bad != nil:
			r.report.Rows++
			r.skip(line, bad.Error())
		case !blank(fields):
			r.report.Rows++
			r.row(fields, line)
		}
	}
}

// heading reads the first line that is not blank. A line "sep=;" before it is Excel's way to name the separator.
func (r *reading) heading(rows *records) error {
	for {
		first, err := rows.take()
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the file is empty")
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case strings.HasPrefix(first, "PK\x03\x04"), strings.HasPrefix(first, "\xd0\xcf\x11\xe0"):
			return errSpreadsheet
		case strings.TrimSpace(first) == "":
			continue
		}
		if s, ok := strings.CutPrefix(first, "sep="); ok && len(s) == 1 {
			rows.separator = rune(s[0])
			continue
		}
		if s := separators[r.config.Separator]; s != 0 {
			rows.separator = s
		} else if rows.separator == 0 {
			rows.separator = sniff(first)
		}
		rows.ahead = append([]string{first}, rows.ahead...)
		rows.line--
		break
	}
	fields, _, bad, err := rows.next()
	if err = errors.Join(err, bad); err != nil {
		return fmt.Errorf("heading: %w", err)
	}
	for i := range fields {
		fields[i] = clean(fields[i])
	}
	r.columns, err = r.config.Columns.find(fields)
	return err
}

func blank(fields []string) bool {
	for _, f := range fields {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}

func (r *reading) row(fields []string, line int) {
	c := contact.Contact{
		ID: at(fields, r.columns.id), Name: r.name(fields), Company: at(fields, r.columns.company),
		VIP: yes(at(fields, r.columns.vip)), URL: r.url(fields, line),
	}
	if c.Name == "" && c.Company == "" {
		r.skip(line, "the row has neither name nor company")
		return
	}
	if c.Numbers = r.phones(fields, line); len(c.Numbers) == 0 {
		r.skip(line, "the row has no usable phone number")
		return
	}
	for name, i := range r.columns.fields {
		if v := at(fields, i); v != "" {
			if c.Fields == nil {
				c.Fields = map[string]string{}
			}
			c.Fields[name] = v
		}
	}
	r.identify(&c, line)
	r.batch.Add(c)
	r.report.Contacts++
	r.report.Numbers += len(c.Numbers)
}

func (r *reading) name(fields []string) string {
	if name := at(fields, r.columns.name); name != "" {
		return name
	}
	return strings.TrimSpace(at(fields, r.columns.first) + " " + at(fields, r.columns.last))
}

// identify gives a contact without an id one that stays the same while its row does, and keeps ids apart.
func (r *reading) identify(c *contact.Contact, line int) {
	given := c.ID != ""
	if !given {
		sum := sha256.Sum256([]byte(c.Name + "\x00" + c.Company + "\x00" + string(c.Numbers[0].E164)))
		c.ID = hex.EncodeToString(sum[:8])
	}
	r.seen[c.ID]++
	if n := r.seen[c.ID]; n > 1 {
		if given {
			r.problem(line, r.columns.headings[r.columns.id], "the id appears more than once")
		}
		c.ID = fmt.Sprintf("%s#%d", c.ID, n)
	}
}

func (r *reading) phones(fields []string, line int) []contact.Number {
	var found []contact.Number
	for _, i := range r.columns.phones {
		field := at(fields, i)
		if field == "" {
			continue
		}
		parties := r.numbers.NormalizeAll(field)
		if len(parties) == 0 {
			r.problem(line, r.columns.headings[i], "this is no phone number")
		}
		for _, p := range parties {
			if p.Kind != number.External {
				r.problem(line, r.columns.headings[i], "extensions and service codes are not looked up")
				continue
			}
			found = append(found, contact.Number{E164: p.E164, Raw: p.Raw, Label: r.columns.headings[i], Head: number.IsHead(p.Raw)})
		}
	}
	return found
}

func (r *reading) url(fields []string, line int) string {
	s := at(fields, r.columns.url)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.problem(line, r.columns.headings[r.columns.url], "this is no http or https address")
		return ""
	}
	return u.String()
}

func yes(s string) bool {
	switch strings.ToLower(s) {
	case "1", "x", "y", "j", "yes", "ja", "true", "wahr", "vip", "✓", "on":
		return true
	}
	return false
}

func (r *reading) skip(line int, reason string) {
	r.report.Skipped++
	r.problem(line, "", reason)
}

func (r *reading) problem(line int, column, reason string) {
	if len(r.report.Problems) >= maxProblems {
		r.report.Omitted++
		return
	}
	r.report.Problems = append(r.report.Problems, contact.Problem{Row: line, Column: column, Reason: reason})
}
