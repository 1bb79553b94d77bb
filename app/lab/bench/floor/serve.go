// Package floor is the least that could do the server's job: events come in by HTTP and go out over WebSockets.
//
// It stores nothing, knows no rights and no state, and says so little that nothing could be faster with this library. What
// Deskbell's server takes beyond it is what its promises cost.
package floor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"deskbell/app/lab/bench/part"
)

// Subprotocol and Path are Deskbell's, so that the same clients reach both.
const (
	Subprotocol = "deskbell.v1"
	Path        = "/v1/socket"
)

// greeting is what a client needs to count itself as connected and up to date.
var greeting = [][]byte{
	[]byte(`{"jsonrpc":"2.0","method":"hello","params":{"version":"floor","capabilities":[],"epoch":"floor","session":"1",` +
		`"server_name":"Floor","user":{"id":"1","name":"Floor"},"ping_ms":600000}}`),
	[]byte(`{"jsonrpc":"2.0","method":"snapshot","params":{"seq":0,"calls":[],"attempts":[],"lines":[],"devices":[],"entries":[],` +
		`"unseen":0,"gaps":[],"troubles":[],"pops":[],"settings":{"open_customer":"never","open_outgoing":false,"open_internal":false},"systems":[]}}`),
}

// Ready is what Serve says first.
type Ready struct {
	Address string `json:"address"`
}

// ServeParams say where to listen; empty: a free port of loopback.
type ServeParams struct {
	Address string
}

// Serve runs the fan-out as a part until its input ends.
func Serve(ctx context.Context, in io.Reader, out io.Writer, p ServeParams) error {
	if p.Address == "" {
		p.Address = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.Address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	f := &fanOut{peers: map[string]*peer{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, f.socket)
	mux.HandleFunc("POST /event", f.event)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	nothing := func(context.Context, string, json.RawMessage) (any, error) { return struct{}{}, nil }
	err = part.Serve(ctx, in, out, Ready{Address: listener.Addr().String()}, nothing)
	err = errors.Join(err, server.Close())
	<-served
	return err
}

// fanOut knows one connection per user; the user's name is the bearer token.
type fanOut struct {
	mu    sync.RWMutex
	peers map[string]*peer
}

// peer is one connection. The library allows one writer at a time.
type peer struct {
	mu   sync.Mutex
	conn *websocket.Conn
}

func (p *peer) write(data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn.WriteMessage(websocket.TextMessage, data)
}

var upgrader = websocket.Upgrader{Subprotocols: []string{Subprotocol}}

func (f *fanOut) socket(w http.ResponseWriter, r *http.Request) {
	user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // answered already
	}
	p := &peer{conn: conn}
	f.mu.Lock()
	f.peers[user] = p
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		if f.peers[user] == p {
			delete(f.peers, user)
		}
		f.mu.Unlock()
		_ = conn.Close() // it is over either way
	}()
	for greeted := false; ; {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		if greeted {
			continue
		}
		greeted = true
		for _, m := range greeting {
			if p.write(m) != nil {
				return
			}
		}
	}
}

func (f *fanOut) event(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	f.mu.RLock()
	p := f.peers[r.URL.Query().Get("to")]
	f.mu.RUnlock()
	if p != nil && p.write(data) != nil {
		_ = p.conn.Close() // its reader ends
	}
	w.WriteHeader(http.StatusNoContent)
}
