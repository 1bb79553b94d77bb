// Command gotest runs "go test -json" and prints what a person needs: every failure in full, a line per package, and one closing line.
//
//	gotest [flags] PACKAGE ... [-- FLAGS FOR go test]
//
// It differs from plain go test in four ways. The whole run has a limit, after which every test prints its goroutines and is
// ended. Where CI is set a skipped test counts as failed. A run in which no test ran fails, unless -none says why that is
// right. And with -tags or -os only those tests run whose files a plain run on this machine leaves out, so that no test runs twice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// graceAfterLimit is how long tests may take to print their goroutines once the limit is over.
const graceAfterLimit = 10 * time.Second

// options are one run's settings.
type options struct {
	name     string        // stands before the closing line
	limit    time.Duration // for the whole run
	tags     string        // build tag whose tests are run
	goos     string        // system whose tests are run
	none     string        // why it is right that no test exists; empty: that is a failure
	strict   bool          // a skipped test counts as failed
	packages []string
	extra    []string // further flags for go test
}

func main() {
	o := options{strict: os.Getenv("CI") == "true"}
	flag.StringVar(&o.name, "name", "go-test", "`word` before the closing line")
	flag.DurationVar(&o.limit, "limit", 20*time.Minute, "time after which the run is ended")
	flag.StringVar(&o.tags, "tags", "", "run only the tests that this build `tag` adds")
	flag.StringVar(&o.goos, "os", "", "run only the tests that this `system` adds")
	flag.StringVar(&o.none, "none", "", "pass with this `sentence` if there is no such test")
	flag.Parse()
	o.packages, o.extra = split(flag.Args())
	if len(o.packages) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, o)
	stop()
	os.Exit(code)
}

// split separates packages from the flags after "--".
func split(args []string) (packages, extra []string) {
	for i, arg := range args {
		if arg == "--" {
			return args[:i], args[i+1:]
		}
	}
	return args, nil
}

// run does one run and returns its exit code.
func run(ctx context.Context, o options) int {
	start := time.Now()
	report := newReport(os.Stdout, o.strict)
	args, err := o.testArgs()
	if err == nil && args != nil {
		err = goTest(ctx, o.limit, o.goos, args, report)
	}
	if err != nil {
		report.trouble(err)
	}
	fmt.Printf("%s: took %.0f s\n", o.name, time.Since(start).Seconds())
	if args == nil && err == nil {
		fmt.Printf("%s: %s\n", o.name, o.none)
		return 0
	}
	return report.close(o.name)
}

// testArgs returns go test's arguments; nil if there is no test and that is right.
func (o options) testArgs() ([]string, error) {
	args := []string{"test", "-json", "-timeout=" + o.limit.String()}
	packages := o.packages
	if o.tags != "" || o.goos != "" {
		found, err := selectAdded(o.packages, o.tags, o.goos)
		if err != nil {
			return nil, err
		}
		if len(found.packages) == 0 {
			if o.none != "" {
				return nil, nil
			}
			return nil, fmt.Errorf("no test is added by tag %q, system %q", o.tags, o.goos)
		}
		packages = found.packages
		args = append(args, "-tags="+o.tags, "-run="+found.pattern())
	}
	args = append(args, o.extra...)
	return append(args, packages...), nil
}

// goTest runs go test in a process group of its own and feeds its events to the report, until it ends or the limit ends it.
func goTest(ctx context.Context, limit time.Duration, goos string, args []string, report *report) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the limit of %s is over", limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	if goos != "" {
		cmd.Env = append(os.Environ(), "GOOS="+goos)
	}
	// SIGQUIT makes every test binary of the group print what its goroutines wait for.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGQUIT) }
	cmd.WaitDelay = graceAfterLimit
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	// Tests may leave a child that holds the pipe open, so after the grace the whole group goes.
	timer := context.AfterFunc(ctx, func() {
		time.Sleep(graceAfterLimit)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	defer timer()
	readErr := report.read(out)
	err = cmd.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		report.exitCode = exit.ExitCode()
		err = nil
	}
	return errors.Join(readErr, err)
}

// plural writes a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
