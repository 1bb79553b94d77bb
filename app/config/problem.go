package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with the settings.
type Problem struct {
	// Key is the full name, "system.munich.username"; empty for the file as a whole.
	Key  string
	Text string
	// Warning means that the server can start all the same.
	Warning bool
}

// String gives the problem as one line.
func (p Problem) String() string {
	s := p.Text
	if p.Key != "" {
		s = p.Key + ": " + s
	}
	if p.Warning {
		s = "warning: " + s
	}
	return s
}

// Problems are all that is wrong, sorted by key.
type Problems []Problem

// Error implements error: one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors are the problems with which the server cannot start, or nil.
func (ps Problems) Errors() error {
	bad := slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Warning })
	if len(bad) == 0 {
		return nil
	}
	return bad
}

func (ps *Problems) add(key, format string, args ...any) {
	*ps = append(*ps, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (ps *Problems) warn(key, format string, args ...any) {
	*ps = append(*ps, Problem{Key: key, Text: fmt.Sprintf(format, args...), Warning: true})
}

// addAll takes joined errors apart; each begins with its key, which is put below prefix.
func (ps *Problems) addAll(prefix string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			ps.addAll(prefix, one)
		}
		return
	}
	text := err.Error()
	if key, rest, found := strings.Cut(text, ": "); found && keyShape.MatchString(key) {
		ps.add(prefix+"."+key, "%s", rest)
		return
	}
	ps.add(prefix, "%s", text)
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Key, b.Key) })
}

// similar finds the known word that was probably meant.
func similar(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		d := distance(strings.ToLower(word), k)
		if len(word) >= 4 && (strings.HasPrefix(k, word) || strings.HasPrefix(word, k) && len(k) >= 4) {
			d = min(d, 2)
		}
		if d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to insert, remove, replace or swap (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
