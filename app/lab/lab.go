// Package lab puts the other side together: telephone system, CRM, and the page that drives them, on one record of facts.
package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"deskbell/app/lab/control"
	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/lab/script"
)

// Options of a Lab; empty addresses mean 127.0.0.1 and a free port.
type Options struct {
	NFONAddress, CRMAddress, ControlAddress string

	NFON     nfon.Options // Log and Logger are set by Start
	Contacts []crm.Contact
	CRMToken string

	CallLog   string // file for what the telephone system did, JSON lines; empty: none
	AccessLog string // file for requests to the CRM, JSON lines; empty: none
	Logger    *slog.Logger
}

// Ready is what others need to know of a running lab; it is printed and written as one JSON line.
type Ready struct {
	NFON     string `json:"nfon"`     // base URL with /v1
	CRM      string `json:"crm"`      // without a final slash
	Control  string `json:"control"`  // the page; the interface is below /control
	Account  string `json:"account"`  // K-Account
	Username string `json:"username"` // of POST /login
	Password string `json:"password"` // a fixture, not a secret
	CRMToken string `json:"crm_token,omitempty"`
	PID      int    `json:"pid"`
}

// Lab is a running other side.
type Lab struct {
	script.World
	ready   Ready
	page    *http.Server
	served  chan struct{}
	cancel  context.CancelFunc
	logger  *slog.Logger
	address string
}

// Start opens the record and all three listeners. Close ends them.
func Start(o Options) (*Lab, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := o.NFON.Validate(); err != nil {
		return nil, fmt.Errorf("telephone system: %w", err)
	}
	log, err := openLog(o)
	if err != nil {
		return nil, err
	}
	o.NFON.Log, o.NFON.Logger = log, o.Logger
	l := &Lab{logger: o.Logger, World: script.World{
		Log: log, Phones: nfon.New(o.NFON),
		CRM: crm.New(crm.Options{Contacts: o.Contacts, Token: o.CRMToken, Log: log, Logger: o.Logger}),
	}}
	err = errors.Join(
		l.Phones.StartAt(orLoopback(o.NFONAddress)),
		l.CRM.StartAt(orLoopback(o.CRMAddress)),
	)
	if err == nil {
		err = l.serveControl(orLoopback(o.ControlAddress))
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	user, password := l.Phones.Credentials()
	l.ready = Ready{
		NFON: l.Phones.URL(), CRM: l.CRM.URL(), Control: l.address, Account: l.Phones.Account(),
		Username: user, Password: password, CRMToken: o.CRMToken, PID: os.Getpid(),
	}
	return l, nil
}

func orLoopback(address string) string {
	if address == "" {
		return "127.0.0.1:0"
	}
	return address
}

func openLog(o Options) (*record.Log, error) {
	log := record.New(0)
	for _, f := range []struct {
		path string
		want func(record.Entry) bool
	}{
		{o.CallLog, func(e record.Entry) bool { return e.Source != crm.Source }},
		{o.AccessLog, func(e record.Entry) bool { return e.Source == crm.Source }},
	} {
		if f.path == "" {
			continue
		}
		if err := log.ToFile(f.path, f.want); err != nil {
			return nil, errors.Join(err, log.Close())
		}
	}
	return log, nil
}

func (l *Lab) serveControl(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for the page: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.served = cancel, make(chan struct{})
	l.address = "http://" + listener.Addr().String()
	l.page = &http.Server{
		Handler:           control.Handler(control.Options{World: l.World, CRMURL: l.CRM.URL(), Logger: l.logger}),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() {
		defer close(l.served)
		if err := l.page.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			l.logger.Error("the page stopped", "error", err)
		}
	}()
	return nil
}

// Ready tells where everything is.
func (l *Lab) Ready() Ready { return l.ready }

// WriteState writes Ready as one JSON line to a file that appears at once and whole, so that a script may wait for it.
func (l *Lab) WriteState(path string) error {
	b, err := json.Marshal(l.ready)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// Close ends everything and tells whether the record was written in full.
func (l *Lab) Close() error {
	var errs []error
	if l.page != nil {
		l.cancel()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := l.page.Shutdown(ctx); err != nil {
			errs = append(errs, l.page.Close())
		}
		<-l.served
	}
	return errors.Join(append(errs, l.Phones.Close(), l.CRM.Close(), l.Log.Err(), l.Log.Close())...)
}
