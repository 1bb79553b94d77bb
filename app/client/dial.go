package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/gorilla/websocket"

	"deskbell/app/about"
	"deskbell/app/wire"
)

// ErrInsecure means that a token would travel in clear text.
var ErrInsecure = errors.New("unencrypted address beyond this computer")

// endpoint gives the address of a path below a server's base address, for HTTP or for a WebSocket. Clear text is refused
// unless it stays on this computer.
func endpoint(server, path string, socket bool) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("server address: %w", err)
	}
	secure := u.Scheme == "https" || u.Scheme == "wss"
	clear := u.Scheme == "http" || u.Scheme == "ws"
	switch {
	case !secure && !clear || u.Host == "":
		return "", fmt.Errorf("server address: scheme %q", u.Scheme)
	case clear && !loopback(u.Hostname()):
		return "", ErrInsecure
	}
	u.Scheme = "http"
	if socket {
		u.Scheme = "ws"
	}
	if secure {
		u.Scheme += "s"
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	return u.String(), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// TLSConfig trusts the system's roots and those of a PEM file, if one is named.
func TLSConfig(caFile string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return cfg, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificates: none in %s", caFile)
	}
	cfg.RootCAs = pool
	return cfg, nil
}

// dial makes the connection; without one, it says why.
func (c *Client) dial(ctx context.Context, server, token string) (*session, ended) {
	address, err := endpoint(server, wire.PathSocket, true)
	switch {
	case errors.Is(err, ErrInsecure):
		return nil, ended{why: WhyInsecure, final: true, err: err}
	case err != nil:
		return nil, ended{why: WhyNotDeskbell, final: true, err: err}
	}
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, NetDialContext: c.opts.Dial, TLSClientConfig: c.opts.TLS,
		HandshakeTimeout: handshakeLimit, Subprotocols: []string{wire.Subprotocol},
	}
	header := http.Header{"Authorization": {"Bearer " + token}, "User-Agent": {about.UserAgent()}}
	conn, resp, err := dialer.DialContext(ctx, address, header)
	if resp != nil && resp.Body != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		return nil, refusal(resp, err)
	}
	if conn.Subprotocol() != wire.Subprotocol {
		err := conn.Close()
		return nil, ended{why: WhyNotDeskbell, err: errors.Join(errors.New("subprotocol not agreed"), err)}
	}
	return newSession(c, conn), ended{}
}

// refusal says what a failed handshake means. Only a clear "no" of the server is final.
func refusal(resp *http.Response, err error) ended {
	if resp != nil {
		err = fmt.Errorf("handshake: status %d: %w", resp.StatusCode, err)
		switch s := resp.StatusCode; {
		case s == http.StatusUnauthorized:
			return ended{why: WhySignIn, final: true, err: err}
		case s == http.StatusForbidden:
			return ended{why: WhyNotAllowed, final: true, err: err}
		case s == http.StatusUpgradeRequired:
			return ended{why: WhyVersion, final: true, err: err}
		case s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s >= 500:
			return ended{why: WhyUnreachable, err: err}
		}
		return ended{why: WhyNotDeskbell, err: err}
	}
	if untrusted(err) {
		return ended{why: WhyCertificate, err: err}
	}
	return ended{why: WhyUnreachable, err: err}
}

func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	return errors.As(err, &verify)
}

// closed says what the end of a session means, by its close code.
func closed(err error) ended {
	var ce *websocket.CloseError
	if !errors.As(err, &ce) {
		if errors.Is(err, websocket.ErrReadLimit) {
			return ended{why: WhyProtocol, err: err}
		}
		return ended{why: WhyUnreachable, err: err}
	}
	e := ended{why: WhyUnreachable, final: !wire.ComeBack(ce.Code), err: err}
	switch ce.Code {
	case wire.CloseTooSlow, wire.CloseNewRights:
		e.atOnce = true
	case wire.CloseRestart, websocket.CloseGoingAway, websocket.CloseServiceRestart:
		e.why = WhyRestart
	case wire.CloseRevoked:
		e.why = WhyRevoked
	case wire.CloseFlood:
		e.why = WhyFlood
	case wire.CloseTooBig:
		e.why = WhyTooBig
	case wire.CloseVersion:
		e.why = WhyVersion
	case wire.CloseTooManyPeers:
		e.why = WhyTooMany
	default:
		if e.final {
			e.why = WhyProtocol
		}
	}
	return e
}
