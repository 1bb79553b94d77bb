package pbxtest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// Secrets are the secrets of a test, by key.
type Secrets map[string]string

// Secret implements pbx.Secrets.
func (s Secrets) Secret(_ context.Context, key, _ string) (string, error) {
	v, ok := s[key]
	if !ok {
		return "", fmt.Errorf("no secret %q", key)
	}
	return v, nil
}

// Store is a pbx.Store in memory.
type Store struct {
	mu     sync.Mutex
	values map[string][]byte
}

// NewStore makes an empty store.
func NewStore() *Store { return &Store{values: make(map[string][]byte)} }

// Get implements pbx.Store.
func (s *Store) Get(_ context.Context, key string) (value []byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok = s.values[key]
	return value, ok, nil
}

// Set implements pbx.Store.
func (s *Store) Set(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = append([]byte(nil), value...)
	return nil
}

// Delete implements pbx.Store.
func (s *Store) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

// Inbox is a pbx.Inbox in memory: ServeHTTP hands requests to what is mounted.
type Inbox struct {
	mu      sync.Mutex
	mounted map[string]http.Handler
}

// NewInbox makes an empty inbox.
func NewInbox() *Inbox { return &Inbox{mounted: make(map[string]http.Handler)} }

// Mount implements pbx.Inbox.
func (i *Inbox) Mount(_ context.Context, purpose string, h http.Handler) (publicURL string, unmount func(), err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	path := "/in/" + purpose
	i.mounted[path] = h
	return "http://inbox.example" + path, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.mounted, path)
	}, nil
}

// ServeHTTP implements http.Handler.
func (i *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	h := i.mounted[r.URL.Path]
	i.mu.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h.ServeHTTP(w, r)
}
