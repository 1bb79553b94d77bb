//go:build desktop && linux

package desktop

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// browserMark makes this test program a browser: it notes the address it is started with in the file named so, and fetches it.
const browserMark = "DESKBELL_TEST_BROWSER"

// programs is the folder with the programs under test.
var programs string

func TestMain(m *testing.M) {
	if history := os.Getenv(browserMark); history != "" {
		if err := browse(history, os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := together(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code, err := withPrograms(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// together runs four tests at a time, unless somebody chose otherwise: each has a desktop of its own, and mostly waits.
func together() error {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if chosen {
		return nil
	}
	return flag.Set("test.parallel", "4")
}

// withPrograms builds the programs once, for all tests.
func withPrograms(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "deskbell-programs")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs = dir
	for _, name := range []string{"deskbell", "deskbelld"} {
		out, err := exec.Command("go", "build", "-o", program(name), "deskbell/cmd/"+name).CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return run(), nil
}

func program(name string) string { return filepath.Join(programs, name) }

func browse(history, page string) error {
	f, err := os.OpenFile(history, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f, "%q\n", os.Args[1:]); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "Testbrowser/1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
