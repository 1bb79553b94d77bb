package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Process is a program under the stage's care: its output goes to a file, and it is ended by its own pid.
type Process struct {
	cmd  *exec.Cmd
	gone chan struct{}
	err  error // valid after gone
	out  *os.File
}

// Start runs a program with its output appended to logPath.
func Start(logPath string, env []string, program string, args ...string) (*Process, error) {
	if err := os.MkdirAll(filepath.Dir(logPath), 0o700); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	cmd := exec.Command(program, args...) //nolint:noctx // ended by Stop or Kill, whatever becomes of the context that started it
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), out.Close())
	}
	p := &Process{cmd: cmd, gone: make(chan struct{}), out: out}
	go func() {
		p.err = cmd.Wait()
		_ = out.Close()
		close(p.gone)
	}()
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Gone is closed when the process has ended.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// Kill ends the process at once, with no chance to tidy up, and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// Stop asks the process to end, and kills it if it does not within ten seconds. The error says how it ended.
func (p *Process) Stop() error {
	select {
	case <-p.gone:
		return p.err
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
		return p.err
	case <-time.After(10 * time.Second):
		p.Kill()
		return fmt.Errorf("%s did not end when asked", p.cmd.Path)
	}
}

// Output runs a program to its end and gives what it printed.
func Output(ctx context.Context, env []string, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %v: %w: %s", filepath.Base(program), args, err, out)
	}
	return string(out), nil
}
