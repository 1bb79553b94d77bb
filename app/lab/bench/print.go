package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"
)

// Print writes rows as a table.
func Print(w io.Writer, rows []Row) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tVALUE\tFLOOR\tRATIO\tBAR\tWORST\tROUNDS\tPASS\tRULE")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.Name, short(&r.Value), r.Unit, short(r.Floor), short(r.Ratio), short(r.Bar),
			short(&r.Worst), r.Rounds, verdict(r.Pass), r.Rule)
	}
	_ = t.Flush() // w is the terminal
	for _, r := range rows {
		if r.Note != "" {
			fmt.Fprintf(w, "  %s: %s\n", r.Name, r.Note)
		}
	}
}

// short shows three digits that count; a dash for what is not there.
func short(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v >= 100 || *v == float64(int64(*v)):
		return strconv.FormatFloat(*v, 'f', 0, 64)
	}
	return strconv.FormatFloat(*v, 'g', 3, 64)
}

func verdict(pass *bool) string {
	switch {
	case pass == nil:
		return "-"
	case *pass:
		return "yes"
	}
	return "NO"
}

// Write puts rows into a JSON file, whose folder is made if it is missing.
func Write(path string, rows []Row) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}
