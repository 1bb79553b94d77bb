package csv

import (
	"bufio"
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Limits of one record: a quote that is never closed must cost one row, not the rest of the file.
const (
	maxLine   = 1 << 20
	maxLines  = 50
	maxFields = 500
)

// What can be wrong with a record. The texts are shown to administrators.
var (
	errQuote   = errors.New("a quotation mark is not closed")
	errTooLong = errors.New("the row is too long")
	errFields  = errors.New("the row has too many columns")
)

var encodings = map[string]encoding.Encoding{
	"": nil, "utf-8": nil, "windows-1252": charmap.Windows1252,
	"utf-16": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
}

// decoded undoes the file's encoding. A byte order mark wins over what the settings say.
func decoded(r io.Reader, name string) *bufio.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(3) // a shorter file is no error; reading it will tell
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = b.Discard(3) // was peeked
		return b
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		name = "utf-16"
	}
	if e := encodings[name]; e != nil {
		return bufio.NewReaderSize(transform.NewReader(b, e.NewDecoder()), 64<<10)
	}
	return b
}

// text makes a field valid UTF-8. Where no encoding is set, Windows-1252 shows itself by bytes that are no UTF-8.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "")
	}
	return out
}

// records reads one record after the other and keeps the line numbers that an editor shows.
type records struct {
	in        *bufio.Reader
	separator rune
	line      int      // of the last line taken
	ahead     []string // lines read but not taken
	failed    error
}

// next returns a record, the line it begins at, and what is wrong with it. io.EOF as err ends the file, any other err of
// reading too; a broken record has bad set.
func (r *records) next() (fields []string, line int, bad, err error) {
	first, err := r.take()
	if err != nil {
		return nil, r.line, nil, err
	}
	line = r.line
	if len(first) > maxLine {
		return nil, line, errTooLong, nil
	}
	if !strings.ContainsRune(first, '"') {
		return r.checked(strings.Split(first, string(r.separator)), line)
	}
	record, ok := r.whole(first)
	if !ok {
		return nil, line, errQuote, nil
	}
	c := stdcsv.NewReader(strings.NewReader(record))
	c.Comma, c.LazyQuotes, c.FieldsPerRecord = r.separator, true, -1
	fields, bad = c.Read()
	if bad != nil {
		return nil, line, errQuote, nil
	}
	return r.checked(fields, line)
}

func (r *records) checked(fields []string, line int) ([]string, int, error, error) {
	if len(fields) > maxFields {
		return nil, line, errFields, nil
	}
	return fields, line, nil, nil
}

// whole adds lines until no quoted field is open. If that does not come to an end, or ends at a quotation mark that
// rather begins the next row's field, only the first line is lost.
func (r *records) whole(record string) (string, bool) {
	inside, _ := isOpen(record, r.separator, false)
	var taken []string
	odd := false
	for inside && !odd && len(taken) < maxLines && len(record) < maxLine {
		line, err := r.take()
		if err != nil {
			break
		}
		taken = append(taken, line)
		record += "\n" + line
		inside, odd = isOpen(line, r.separator, true)
	}
	if inside || odd {
		r.ahead = append(taken, r.ahead...)
		r.line -= len(taken)
	}
	return record, !inside && !odd
}

// isOpen tells whether a quoted field is open at the end of a line, and whether a field's closing mark was followed by
// something else than a separator. A quotation mark inside an unquoted field is text.
func isOpen(line string, separator rune, inside bool) (open, odd bool) {
	start := !inside
	for i := 0; i < len(line); i++ {
		switch c := rune(line[i]); {
		case inside && c == '"' && i+1 < len(line) && line[i+1] == '"':
			i++
		case inside && c == '"':
			inside = false
			rest := strings.TrimLeft(line[i+1:], " ")
			odd = odd || rest != "" && rune(rest[0]) != separator
		case inside:
		case c == separator:
			start = true
		case start && c == '"':
			inside, start = true, false
		case c != ' ':
			start = false
		}
	}
	return inside, odd
}

func (r *records) take() (string, error) {
	if len(r.ahead) > 0 {
		line := r.ahead[0]
		r.ahead = r.ahead[1:]
		r.line++
		return line, nil
	}
	if r.failed != nil {
		return "", r.failed
	}
	line, err := r.read()
	if err != nil {
		r.failed = err
		if line == "" {
			return "", err
		}
	}
	r.line++
	return line, nil
}

// read reads to the end of the line, keeping a little more than maxLine of it.
func (r *records) read() (string, error) {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return strings.TrimRight(string(line), "\r\n"), err
	}
}

// sniff finds the separator of a heading: the candidate that is there most often outside quotation marks.
func sniff(heading string) rune {
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t', '|'} {
		count, quoted := 0, false
		for _, r := range heading {
			if r == '"' {
				quoted = !quoted
			}
			if r == c && !quoted {
				count++
			}
		}
		if count > most {
			best, most = c, count
		}
	}
	return best
}
