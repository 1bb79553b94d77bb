package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"deskbell/app/lab/bench/phones"
	"deskbell/app/lab/stage"
)

// server is Deskbell's server program, with a telephone system that another process simulates.
type server struct {
	program string
	dir     string
	address string
	process *stage.Process
}

// serverOptions say how a server is set up.
type serverOptions struct {
	program, dir string
	phones       phones.Ready
	agents       []agent
	contacts     int    // in a CSV file: the callers of every other call
	page         string // template of the customer's page; empty: nothing opens
}

// callers is how many numbers package load calls from.
const callers = 1000

// newServer writes what the server needs to start.
func newServer(ctx context.Context, o serverOptions) (*server, error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, fmt.Errorf("set up the server: %w", err)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{program: o.program, dir: o.dir, address: address}
	var list strings.Builder
	list.WriteString("id;name;company;phone\n")
	for i := range o.contacts {
		fmt.Fprintf(&list, "%d;Caller %03d;Company %03d;+493023125%03d\n", i, i, i, 2*i%callers)
	}
	for path, text := range map[string]string{s.config(): s.settings(o), s.path("password"): o.phones.Password, s.path("contacts.csv"): list.String()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("set up the server: %w", err)
		}
	}
	return s, seed(ctx, s.path("data"), o.agents)
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *server) config() string { return s.path("deskbelld.toml") }

func (s *server) settings(o serverOptions) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("[server]\nname = \"Bench\"\nlisten = %q\npublic_url = %q\ndata_dir = %q\nlog_level = \"warn\"", s.address, "http://"+s.address, s.path("data"))
	line("[tenant]\nregion = \"DE\"\narea_code = \"89\"\nextension_length = [4, 5]")
	if o.page != "" {
		line("[page]\ntemplate = %q", o.page)
	}
	line("[system.nfon]\ntype = \"nfon\"\nbase_url = %q\naccount = %q\nusername = %q\npassword = { file = %q }",
		o.phones.URL, o.phones.Account, o.phones.Username, s.path("password"))
	line("[contacts.csv]\ntype = \"csv\"\npath = %q", s.path("contacts.csv"))
	return b.String()
}

func (s *server) launch() error {
	p, err := stage.Start(s.path("deskbelld.log"), environment(), s.program, "serve", "--config", s.config())
	if err != nil {
		return err
	}
	s.process = p
	return nil
}

// start launches the server and waits until it answers and its telephone system's news flow.
func (s *server) start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	return until(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/healthz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			select {
			case <-s.process.Gone():
				return errors.Join(errEnded, fmt.Errorf("see %s", s.path("deskbelld.log")))
			default:
				return err
			}
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("health is %d", resp.StatusCode)
		}
		return nil
	})
}

func (s *server) stop() error {
	if s.process == nil {
		return nil
	}
	p := s.process
	s.process = nil
	return p.Stop()
}

var errEnded = errors.New("the process ended")

// patience bounds every single wait.
const patience = 60 * time.Second

// until tries again and again until do succeeds, finds that a process ended, or patience is at its end.
func until(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := do()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// environment is that of every process of a measurement. The collector works as rarely on both sides.
func environment() []string {
	env := []string{"GOGC=400"}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GOGC=") && !strings.HasPrefix(e, "GOMEMLIMIT=") {
			env = append(env, e)
		}
	}
	return env
}
