//go:build linux

package desktoptest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a started program and everything it started in its process group.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{}
	err  error // of Wait; valid when gone is closed
}

// spawn starts a program on the desktop. It gets a process group of its own, so that end reaches its children too.
func (d *Desktop) spawn(program string, args []string, extra []*os.File) (*process, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = d.Env()
	cmd.Dir = d.Home()
	cmd.Stdout, cmd.Stderr = d.out, d.out
	cmd.ExtraFiles = extra
	// Pdeathsig: a test that is killed must not leave a display behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, gone: make(chan struct{})}
	go func() {
		defer close(p.gone)
		p.err = cmd.Wait()
		d.log.Debug("a desktop program has ended", "program", program, "pid", cmd.Process.Pid, "error", p.err)
	}()
	d.log.Debug("started a desktop program", "program", program, "pid", cmd.Process.Pid)
	return p, nil
}

// Spawn starts a program of the caller's on the desktop; the caller ends it with the returned function, and is
// told through the channel when it has ended by itself.
func (d *Desktop) Spawn(program string, args ...string) (pid int, gone <-chan struct{}, end func(), err error) {
	p, err := d.spawn(program, args, nil)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("start %s: %w", program, err)
	}
	return p.cmd.Process.Pid, p.gone, p.end, nil
}

// Run runs a program on the desktop to its end and gives what it printed.
func (d *Desktop) Run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = d.Env()
	cmd.Dir = d.Home()
	cmd.WaitDelay = time.Second
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(trouble.String()))
	}
	return out.String(), nil
}

// Screenshot saves the whole screen as NAME.png in Options.Pictures and gives its path.
func (d *Desktop) Screenshot(ctx context.Context, name string) (string, error) {
	if err := os.MkdirAll(d.opts.Pictures, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for pictures: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(d.opts.Pictures, name+".png"))
	if err != nil {
		return "", fmt.Errorf("name a picture: %w", err)
	}
	if _, err := d.Run(ctx, "import", "-window", "root", path); err != nil {
		return "", fmt.Errorf("take a picture: %w", err)
	}
	return path, nil
}

// until asks again and again until ready, while the process lives.
func (p *process) until(ctx context.Context, ready func() error) error {
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.gone:
			return fmt.Errorf("ended at once (%v): %w", p.err, err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// end kills the process and its group and waits for it.
func (p *process) end() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // fails only when all of them have ended
	<-p.gone
}

// endStrays ends what the session bus started (settings daemons and the like): they are outside our process groups
// and known by the runtime folder in their environment, which is this desktop's alone.
func endStrays(runtimeDir string) {
	mark := []byte("XDG_RUNTIME_DIR=" + runtimeDir + "\x00")
	entries, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return // the pattern is constant and well formed
	}
	for _, path := range entries {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, mark) {
			continue // not ours, or gone already
		}
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may just have ended
		}
	}
}
