package owner_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/journal"
	"deskbell/app/wire"
)

// switchboard is the test's telephone system, outside the process that is killed, and the oracle: it knows every call.
type switchboard struct {
	mu      sync.Mutex
	streams map[chan wireLeg]bool
	lines   map[csta.DeviceID]csta.LineState
	joined  chan struct{} // somebody listened for the first time
	once    sync.Once
	calls   map[string]*truth // by number
	next    int
}

type truth struct {
	began, ended time.Time
	answered     bool
}

func newSwitchboard() *switchboard {
	return &switchboard{joined: make(chan struct{}), streams: make(map[chan wireLeg]bool), lines: make(map[csta.DeviceID]csta.LineState), calls: make(map[string]*truth)}
}

func (s *switchboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	enc := json.NewEncoder(w)
	if r.URL.Path == "/line" {
		s.mu.Lock()
		state, known := s.lines[csta.DeviceID(r.URL.Query().Get("device"))]
		s.mu.Unlock()
		if !known {
			state = csta.LineIdle
		}
		_ = enc.Encode(state) // the child is gone
		return
	}
	news := make(chan wireLeg, 1000)
	s.mu.Lock()
	s.streams[news] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.streams, news)
		s.mu.Unlock()
	}()
	w.WriteHeader(http.StatusOK)
	s.once.Do(func() { close(s.joined) })
	for flush := http.NewResponseController(w); flush.Flush() == nil; {
		select {
		case e := <-news:
			if enc.Encode(e) != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// call plays one call on a device and returns when it is over.
func (s *switchboard) call(device csta.DeviceID, answered bool, step time.Duration) {
	s.mu.Lock()
	s.next++
	e := wireLeg{Call: fmt.Sprintf("call-%d", s.next), Number: fmt.Sprintf("+4989555%05d", s.next), Device: device}
	c := &truth{began: time.Now(), answered: answered}
	s.calls[e.Number] = c
	s.mu.Unlock()
	s.tell(e, csta.Alerting, "", csta.LineRinging)
	time.Sleep(step)
	cause := csta.CauseCallCancelled
	if answered {
		cause = csta.CauseNormalClearing
		s.tell(e, csta.Connected, "", csta.LineBusy)
		time.Sleep(step)
	}
	s.tell(e, csta.Null, cause, csta.LineIdle)
	s.mu.Lock()
	c.ended = time.Now()
	s.mu.Unlock()
}

func (s *switchboard) tell(e wireLeg, state csta.State, cause csta.Cause, line csta.LineState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.State, e.Cause = state, cause
	s.lines[e.Device] = line
	for news := range s.streams {
		news <- e
	}
}

// traffic plays calls on all devices until stop is closed, and waits for the last to end.
func (s *switchboard) traffic(stop <-chan struct{}, seed uint64) {
	var all sync.WaitGroup
	for i, d := range crashDevices {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i))) // a script, not a secret
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(r.IntN(20)) * time.Millisecond):
					s.call(d, r.IntN(2) == 0, time.Duration(5+r.IntN(30))*time.Millisecond)
				}
			}
		})
	}
	all.Wait()
}

// process is one life of the server's heart.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
}

func spawn(t *testing.T, url, dir, point string, count int) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envURL+"="+url, envDir+"="+dir, envPoint+"="+point, fmt.Sprintf("%s=%d", envCount, count))
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{cmd: cmd, stdin: stdin, lines: make(chan string, 100_000)}
	go func() {
		defer close(p.lines)
		sc := bufio.NewScanner(stdout)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			p.lines <- sc.Text()
		}
	}()
	return p
}

// heard collects which calls' events the process read and told, until it is dead.
func (p *process) heard(read, told map[string]bool) (list string) {
	for line := range p.lines {
		what, rest, _ := strings.Cut(line, " ")
		switch what {
		case "read":
			read[rest] = true
		case "told":
			told[rest] = true
		case "list":
			list = rest
		}
	}
	return list
}

// TestKilled kills the heart of the server again and again at chosen points, while calls go on, and then compares its call
// list with what the switchboard knows.
func TestKilled(t *testing.T) {
	for _, c := range []struct {
		point string
		lives int
	}{
		{"before commit", 4}, {"after commit", 4}, {"ringing", 4}, {"talking", 4}, {"first second", 4},
	} {
		t.Run(c.point, func(t *testing.T) { t.Parallel(); killed(t, c.point, c.lives) })
	}
}

func killed(t *testing.T, point string, lives int) {
	board := newSwitchboard()
	server := httptest.NewServer(board)
	defer server.Close()
	dir := t.TempDir()
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		<-board.joined // what was before the first link ever, nobody can know of
		board.traffic(stop, uint64(len(point)))
	}()
	read, told := make(map[string]bool), make(map[string]bool)
	r := rand.New(rand.NewPCG(7, uint64(len(point)))) // a script, not a secret
	for range lives {
		p := spawn(t, server.URL, dir, point, 3+r.IntN(60))
		if point == "first second" {
			time.Sleep(time.Duration(r.IntN(700)) * time.Millisecond)
			require.NoError(t, p.cmd.Process.Kill())
		}
		p.heard(read, told)
		require.Error(t, p.cmd.Wait(), "it was killed")
	}
	last := spawn(t, server.URL, dir, "", 0)
	time.Sleep(300 * time.Millisecond) // some calls more
	close(stop)
	<-ended
	_, err := io.WriteString(last.stdin, "end\n")
	require.NoError(t, err)
	var d dump
	require.NoError(t, json.Unmarshal([]byte(last.heard(read, told)), &d))
	require.NoError(t, last.cmd.Wait())
	judge(t, board, d, read, told)
}

func judge(t *testing.T, board *switchboard, d dump, read, told map[string]bool) {
	t.Helper()
	require.Zero(t, d.Live, "no ghosts")
	listed := make(map[string][]journal.Entry)
	for _, e := range d.Entries {
		listed[string(e.Far.Number.E164)] = append(listed[string(e.Far.Number.E164)], e)
		require.NotEqual(t, wire.ResultRunning, e.Result)
	}
	dark, lost := 0, 0
	for number, call := range board.calls {
		entries := listed[number]
		require.LessOrEqual(t, len(entries), 1, "none is doubled")
		if told[number] {
			require.Len(t, entries, 1, "what was told is in the list")
		}
		if len(entries) == 0 {
			dark++
			if read[number] {
				lost++ // read, and the process died before it could be stored
			}
			require.True(t, covered(d, call), "a call that is not in the list lies in a gap: %s–%s of %v", call.began, call.ended, d.Gaps)
			continue
		}
		if e := entries[0]; e.Result == wire.ResultAnswered {
			require.True(t, call.answered, "nothing is invented")
		} else if e.Result == wire.ResultMissed {
			require.False(t, call.answered, "nothing is invented")
		}
	}
	for number := range listed {
		require.Contains(t, board.calls, number, "nothing is invented")
	}
	t.Logf("%d calls: %d in the list, %d in the dark under %d gaps (%d of those read but not stored); %d read, %d told",
		len(board.calls), len(listed), dark, len(d.Gaps), lost, len(read), len(told))
}

// covered reports whether a gap that the agent sees holds the call.
func covered(d dump, c *truth) bool {
	for _, g := range d.Gaps {
		if !c.began.Before(g.From.Truncate(time.Millisecond)) && !c.ended.After(g.To.Add(time.Millisecond)) {
			return true
		}
	}
	return false
}
