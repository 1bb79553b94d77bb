package journal

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// statements are the queries that every greeting or call asks, prepared once: reading their text takes four times as long as
// answering them. The zero value is ready to use, by several goroutines.
type statements struct {
	mu   sync.Mutex
	made map[string]*sql.Stmt
}

// of gives the statement of a text, of which there are few. It is closed with the rest by close.
func (s *statements) of(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.made[text]; stmt != nil {
		return stmt, nil
	}
	// The statement outlives the request that first needed it.
	stmt, err := db.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, fmt.Errorf("journal: prepare: %w", err)
	}
	if s.made == nil {
		s.made = map[string]*sql.Stmt{}
	}
	s.made[text] = stmt
	return stmt, nil
}

// close closes all statements, before their database is closed.
func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, stmt := range s.made {
		if cerr := stmt.Close(); err == nil {
			err = cerr
		}
	}
	s.made = nil
	return err
}
