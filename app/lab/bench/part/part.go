// Package part runs one side of a measurement as a process of its own, which takes requests line by line.
package part

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Handler answers one request of the process that started the part.
type Handler func(ctx context.Context, verb string, params json.RawMessage) (any, error)

type request struct {
	Verb   string          `json:"verb"`
	Params json.RawMessage `json:"params,omitempty"`
}

type response struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Serve is the part's side: it says that it is ready, then answers requests one by one until its input ends.
func Serve(ctx context.Context, in io.Reader, out io.Writer, ready any, handle Handler) error {
	enc, dec := json.NewEncoder(out), json.NewDecoder(in)
	if err := reply(enc, ready, nil); err != nil {
		return err
	}
	for {
		var q request
		if err := dec.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		result, err := handle(ctx, q.Verb, q.Params)
		if err := reply(enc, result, err); err != nil {
			return err
		}
	}
}

func reply(enc *json.Encoder, result any, failed error) error {
	var r response
	data, err := json.Marshal(result)
	switch {
	case failed != nil:
		r.Error = failed.Error()
	case err != nil:
		r.Error = err.Error()
	default:
		r.Result = data
	}
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// Part is a running part, seen by who started it. It belongs to one goroutine, except Kill.
type Part struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	once sync.Once
}

// Start runs program with args, and reads what it says when it is ready.
func Start(env []string, ready any, program string, args ...string) (*Part, error) {
	cmd := exec.Command(program, args...) //nolint:noctx // it is ended by Close or Kill
	cmd.Env, cmd.Stderr = env, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a part: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a part: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a part: %w", err)
	}
	p := &Part{cmd: cmd, in: in, out: bufio.NewReader(out)}
	if err := p.read(ready); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start %v: %w", args, err)
	}
	return p, nil
}

// PID is the part's process id.
func (p *Part) PID() int { return p.cmd.Process.Pid }

// Ask sends one request and waits for its answer; result may be nil.
func (p *Part) Ask(verb string, params, result any) error {
	data, err := json.Marshal(params)
	if err == nil {
		err = json.NewEncoder(p.in).Encode(request{Verb: verb, Params: data})
	}
	if err == nil {
		err = p.read(result)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

func (p *Part) read(result any) error {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the part ended: %w", err)
	}
	var r response
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	return nil
}

// Close ends the part by the end of its input, and waits for it.
func (p *Part) Close() error {
	var err error
	p.once.Do(func() {
		err = p.in.Close()
		if waitErr := p.cmd.Wait(); err == nil {
			err = waitErr
		}
	})
	return err
}

// Kill ends the part with no chance to tidy up, and waits for it.
func (p *Part) Kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill() // fails only when it has ended
		_ = p.cmd.Wait()         // always "killed"
	})
}
