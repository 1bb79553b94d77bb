package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// inboxPath is where receivers of callbacks are mounted.
const inboxPath = "/in/"

// maxCallback bounds the body of a callback.
const maxCallback = 1 << 20

// Inbox mounts receivers for callbacks of telephone systems under paths that nobody can guess and that survive restarts.
type Inbox struct {
	public string
	secret []byte

	mu        sync.RWMutex
	receivers map[string]http.Handler
}

// NewInbox makes an inbox. public is the server's address as others reach it, empty if they cannot; secret makes the paths.
func NewInbox(public string, secret []byte) *Inbox {
	return &Inbox{public: strings.TrimSuffix(public, "/"), secret: secret, receivers: map[string]http.Handler{}}
}

// For gives the inbox of one telephone system.
func (i *Inbox) For(system csta.SystemID) pbx.Inbox { return systemInbox{i, system} }

type systemInbox struct {
	all    *Inbox
	system csta.SystemID
}

// Mount implements pbx.Inbox.
func (s systemInbox) Mount(_ context.Context, purpose string, h http.Handler) (publicURL string, unmount func(), err error) {
	if s.all.public == "" {
		return "", nil, pbx.ErrNoInbox
	}
	m := hmac.New(sha256.New, s.all.secret)
	m.Write([]byte(string(s.system) + "\x00" + purpose))
	path := inboxPath + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	s.all.set(path, h)
	return s.all.public + path, func() { s.all.set(path, nil) }, nil
}

func (i *Inbox) set(path string, h http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if h == nil {
		delete(i.receivers, path)
		return
	}
	i.receivers[path] = h
}

// ServeHTTP implements http.Handler.
func (i *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.RLock()
	h := i.receivers[r.URL.Path]
	i.mu.RUnlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxCallback)
	h.ServeHTTP(w, r)
}
