package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"deskbell/app/csta"
)

// Note is something learned of a call beside its events: who the far party turned out to be, or what became of opening the
// customer. Exactly one of Contact and Pop is set.
type Note struct {
	User    string // whom it is for; of a contact, "" is everybody
	Call    csta.CallID
	Contact *Contact
	Pop     string // "opened", "claimed", "failed"
}

// Contact is the far party of a call. Without name and company it takes back what was noted before.
type Contact struct {
	Name, Company string
	VIP           bool
}

const (
	noContact  = `DELETE FROM contacts WHERE tenant = ?1 AND call = ?2 AND user = ?3`
	putContact = `INSERT INTO contacts (tenant, call, user, name, company, vip, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
		ON CONFLICT (tenant, call, user) DO UPDATE SET name = ?4, company = ?5, vip = ?6`
	putPop = `INSERT INTO pops (tenant, call, user, state, at) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (tenant, call, user) DO UPDATE SET state = ?4`
)

// Annotate writes notes in their order, all of them or none.
func (t Tenant) Annotate(ctx context.Context, notes []Note) error {
	stmts := map[string]*sql.Stmt{}
	for _, text := range []string{noContact, putContact, putPop} {
		stmt, err := t.j.statements.of(ctx, t.j.db, text)
		if err != nil {
			return err
		}
		stmts[text] = stmt
	}
	tx, err := t.j.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("journal: notes: %w", err)
	}
	for _, n := range notes {
		text, args := t.noteRow(n)
		if _, err := tx.StmtContext(ctx, stmts[text]).ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("journal: notes: %w", errors.Join(err, tx.Rollback()))
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("journal: notes: %w", err)
	}
	return nil
}

func (t Tenant) noteRow(n Note) (text string, args []any) {
	args = []any{t.name, string(n.Call), n.User}
	at := time.Now().UnixMilli()
	switch c := n.Contact; {
	case c == nil:
		return putPop, append(args, n.Pop, at)
	case c.Name == "" && c.Company == "":
		return noContact, args
	default:
		return putContact, append(args, c.Name, c.Company, c.VIP, at)
	}
}
