package server

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"deskbell/app/server/accounts"
	"deskbell/app/server/session"
	"deskbell/app/wire"
)

// peer implements session.Handler: one session of one user.
var _ session.Handler = (*peer)(nil)

// Hello implements session.Handler: it introduces the server and queues the first snapshot.
func (p *peer) Hello(ctx context.Context, s *session.Session, h wire.HelloFromTray) error {
	p.s = s
	p.lang = language(h.Locale, p.user.srv.lang)
	for _, c := range h.Capabilities {
		p.canPop = p.canPop || c == "pop"
	}
	u, srv := p.user, p.user.srv
	if err := u.attach(p); err != nil {
		return err
	}
	s.Send(wire.NoteHello, wire.HelloFromServer{
		Version: srv.p.Version, Capabilities: []string{}, Epoch: srv.epoch, Session: p.id, ServerName: srv.p.Name,
		User: wire.User{ID: u.id, Name: u.name()}, PingMS: srv.shared.PingInterval().Milliseconds(),
	})
	u.snapshot(ctx, p)
	return nil
}

// language takes the first part of a BCP 47 tag, if it is a plausible one.
func language(locale, otherwise string) string {
	lang, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	if len(lang) < 2 || len(lang) > 3 {
		return otherwise
	}
	switch lang = strings.ToLower(lang); lang {
	case "de", "en":
		return lang
	}
	return otherwise
}

// attach adds a session. The first one subscribes the user to his devices.
func (u *user) attach(p *peer) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case len(u.peers) >= u.srv.limits.Sessions:
		return &session.CloseError{Code: wire.CloseTooManyPeers, Text: "too many sessions of this user"}
	case !u.srv.p.Accounts.Valid(u.id, p.token):
		// Revoked between handshake and hello.
		return &session.CloseError{Code: wire.CloseRevoked, Text: "token revoked"}
	}
	p.usedAt = time.Now()
	p.base = make([]mark, len(u.srv.order))
	if len(u.peers) == 0 {
		u.subscribe(u.account.Grants)
	}
	u.peers = append(u.peers, p)
	return nil
}

func (u *user) subscribe(grants []accounts.Grant) {
	for _, g := range grants {
		u.srv.hub.add(deviceKey{g.System, g.Device}, subscription{u, rightOf(g.Access)})
	}
}

func (u *user) unsubscribe(grants []accounts.Grant) {
	for _, g := range grants {
		u.srv.hub.remove(deviceKey{g.System, g.Device}, u)
	}
}

// Ended implements session.Handler.
func (p *peer) Ended(*session.Session) {
	p.user.srv.sessions.remove(p)
	u := p.user
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, q := range u.peers {
		if q == p {
			u.peers = append(u.peers[:i:i], u.peers[i+1:]...)
			if len(u.peers) == 0 {
				u.peers = nil
				u.unsubscribe(u.account.Grants)
				u.dropCalls()
			}
			break
		}
	}
	u.popOrder()
}

// dropCalls forgets the calls of a user who is away: news of them does not come any more. The next session starts anew.
func (u *user) dropCalls() {
	for id, c := range u.calls {
		c.stop()
		delete(u.calls, id)
	}
}

func (u *user) name() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.account.Name
}

// Request implements session.Handler.
func (p *peer) Request(ctx context.Context, _ *session.Session, method string, params json.RawMessage) (any, error) {
	do, ok := methods[method]
	if !ok {
		return nil, &wire.Error{Code: wire.CodeMethodNotFound, Message: "no such method"}
	}
	p.user.srv.stats.requests.Add(1)
	return do(p, ctx, params)
}

// methods are all requests a tray can make. A method that shows that its user sits at this tray moves it to the front.
var methods = map[string]func(*peer, context.Context, json.RawMessage) (any, error){
	wire.MethodSnapshot:        of((*peer).askSnapshot),
	wire.MethodMakeCall:        used(of((*peer).makeCall)),
	wire.MethodClearConnection: used(of((*peer).clearConnection)),
	wire.MethodAnswerCall:      used(of((*peer).answerCall)),
	wire.MethodHoldCall:        used(of((*peer).holdCall)),
	wire.MethodRetrieveCall:    used(of((*peer).retrieveCall)),
	wire.MethodCheckNumber:     of((*peer).checkNumber),
	wire.MethodPopClaim:        of((*peer).claim),
	wire.MethodPopReport:       of((*peer).report),
	wire.MethodPopOpen:         used(of((*peer).open)),
	wire.MethodEntries:         of((*peer).listEntries),
	wire.MethodSeen:            used(of((*peer).seen)),
	wire.MethodSettings:        used(of((*peer).set)),
	wire.MethodActive:          used(of((*peer).active)),
	wire.MethodSignOut:         of((*peer).signOut),
}

type method = func(*peer, context.Context, json.RawMessage) (any, error)

// of decodes the parameters.
func of[P any](do func(*peer, context.Context, P) (any, error)) method {
	return func(p *peer, ctx context.Context, raw json.RawMessage) (any, error) {
		var params P
		if err := json.Unmarshal(raw, &params); err != nil {
			return nil, invalid("parameters: " + err.Error())
		}
		return do(p, ctx, params)
	}
}

func used(do method) method {
	return func(p *peer, ctx context.Context, raw json.RawMessage) (any, error) {
		u := p.user
		u.mu.Lock()
		p.usedAt = time.Now()
		u.popOrder()
		u.mu.Unlock()
		return do(p, ctx, raw)
	}
}

func (p *peer) active(context.Context, struct{}) (any, error) { return struct{}{}, nil }

// signOut revokes the token the session came with. The change closes the token's other sessions; this one gets its reply first.
func (p *peer) signOut(ctx context.Context, _ struct{}) (any, error) {
	p.leaving.Store(true)
	if err := p.user.srv.p.Accounts.Revoke(context.WithoutCancel(ctx), p.token); err != nil {
		p.leaving.Store(false)
		return nil, err
	}
	return session.ThenClose{Code: wire.CloseRevoked, Text: "signed out"}, nil
}

func invalid(text string) error { return &wire.Error{Code: wire.CodeInvalidParams, Message: text} }

func gone(text string) error {
	return &wire.Error{Code: wire.CodeGone, Message: text, Data: &wire.Reason{Code: wire.ReasonCallOver}}
}
