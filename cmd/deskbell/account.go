package main

import (
	"context"
	"errors"
	"sync/atomic"

	"deskbell/app/about"
	"deskbell/app/client"
	"deskbell/app/desk"
	"deskbell/app/desk/home"
	"deskbell/app/logging"
	"deskbell/app/machine/keyring"
	"deskbell/app/wire"
)

// secrets keeps the one token of this computer. It is named by server and user, so that an account never gets the token of
// another one.
type secrets interface {
	Get(ctx context.Context, name string) (string, keyring.Kind, error)
	Set(ctx context.Context, name, secret string) (keyring.Kind, error)
	Delete(ctx context.Context, name string) error
}

// openSecrets uses the keyring, unless all files are to stay in a folder of their own.
func (r *resident) openSecrets() secrets {
	if _, own := r.home.Own(); own {
		return fileSecrets{r.home}
	}
	return keyring.Open(about.ID, r.home.Secrets())
}

// fileSecrets keeps the token with the other files of DESKBELL_HOME.
type fileSecrets struct{ home *home.Home }

// Get implements secrets.
func (f fileSecrets) Get(context.Context, string) (string, keyring.Kind, error) {
	token, err := f.home.Token()
	return token, keyring.System, err // chosen so: no reason to warn
}

// Set implements secrets.
func (f fileSecrets) Set(_ context.Context, _, secret string) (keyring.Kind, error) {
	return keyring.System, f.home.SaveToken(secret)
}

// Delete implements secrets.
func (f fileSecrets) Delete(context.Context, string) error { return f.home.ForgetToken() }

// accounts is desk.Accounts: invitations, the stored account and its token.
type accounts struct {
	r        *resident
	device   string
	enroller *client.Enroller
	secrets  secrets
	token    atomic.Value // string: of the account enrolled last, until Connect
}

func secretName(a desk.Account) string { return a.Server + " " + a.User }

// resume gives the connection the stored account. The keyring may keep it waiting.
func (a *accounts) resume(ctx context.Context) {
	account, err := a.r.home.Account()
	if err != nil || account.Server == "" {
		return
	}
	token, kind, err := a.secrets.Get(ctx, secretName(account))
	if err != nil || token == "" {
		a.r.log.Error("no token for the account", "server", account.Server, "error", err)
		a.r.loop.Post(desk.LinkDown{Why: "no_secret", Final: true})
		return
	}
	a.kept(kind)
	a.r.client.SetAccount(account.Server, token)
}

// kept tells where the token lies, if that is second best.
func (a *accounts) kept(kind keyring.Kind) {
	a.r.loop.Post(desk.Machine{Code: "keyring", Over: kind != keyring.File})
}

// Find implements desk.Accounts.
func (a *accounts) Find(ctx context.Context, server string) (string, error) {
	info, err := a.enroller.Find(ctx, server)
	return info.Name, invitationError(err)
}

// Enroll implements desk.Accounts. The token is stored before the account.
func (a *accounts) Enroll(ctx context.Context, server, code string) (desk.Account, error) {
	reply, err := a.enroller.Enroll(ctx, server, code, a.device)
	if err != nil {
		return desk.Account{}, invitationError(err)
	}
	account := desk.Account{Server: server, ServerName: reply.ServerName, User: reply.User, Name: reply.Name, Device: a.device}
	old, err := a.r.home.Account()
	if err != nil {
		a.r.log.Warn("earlier account not read", "error", err)
	}
	kind, err := a.secrets.Set(ctx, secretName(account), reply.Token)
	if err == nil {
		err = a.r.home.SaveAccount(account)
	}
	if err != nil {
		return desk.Account{}, &desk.InvitationError{Code: "storage", Err: err}
	}
	if old.Server != "" && secretName(old) != secretName(account) {
		if err := a.secrets.Delete(ctx, secretName(old)); err != nil {
			a.r.log.Warn("earlier token not removed", "error", err)
		}
	}
	a.kept(kind)
	a.r.log.Info("connected by invitation", "server", server, "user", logging.Name(reply.Name))
	a.token.Store(reply.Token)
	return account, nil
}

// Connect implements desk.Accounts.
func (a *accounts) Connect(account desk.Account) {
	if token, ok := a.token.Swap("").(string); ok && token != "" {
		a.r.client.SetAccount(account.Server, token)
	}
}

// Forget implements desk.Accounts.
func (a *accounts) Forget(ctx context.Context) error {
	a.r.client.SetAccount("", "")
	account, err := a.r.home.Account()
	if err == nil {
		err = a.secrets.Delete(ctx, secretName(account))
	}
	return errors.Join(err, a.r.home.ForgetAccount())
}

func invitationError(err error) error {
	var refused *client.EnrollError
	if errors.As(err, &refused) {
		return &desk.InvitationError{Code: refused.Code, Err: refused.Err}
	}
	return err
}

// Up, Down and Told implement client.Handler.
func (h relay) Up(hello wire.HelloFromServer) { h.post(desk.LinkUp{Hello: hello}) }

// Down implements client.Handler.
func (h relay) Down(why string, final bool) { h.post(desk.LinkDown{Why: why, Final: final}) }

// Told implements client.Handler.
func (h relay) Told(note any) { h.post(desk.Told{Note: note}) }
