package client

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/wire"
)

func code(t *testing.T, err error) string {
	var refused *EnrollError
	require.True(t, errors.As(err, &refused), "%v", err)
	require.NotEmpty(t, refused.Error())
	require.Error(t, errors.Unwrap(refused))
	return refused.Code
}

func TestEnroll(t *testing.T) {
	var got wire.EnrollRequest
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET " + wire.PathInfo:
			_, _ = io.WriteString(w, `{"name":"Example CTI","version":"1"}`)
		case "POST " + wire.PathEnroll:
			_ = json.NewDecoder(r.Body).Decode(&got)
			_, _ = io.WriteString(w, `{"token":"t","user":"anna","name":"Anna","server_name":"Example CTI"}`)
		}
	}))
	defer srv.Close()
	e := NewEnroller(Options{})
	info, err := e.Find(t.Context(), srv.URL)
	require.NoError(t, err)
	require.Equal(t, "Example CTI", info.Name)
	reply, err := e.Enroll(t.Context(), srv.URL, "K7", "desk")
	require.NoError(t, err)
	require.Equal(t, wire.EnrollReply{Token: "t", User: "anna", Name: "Anna", ServerName: "Example CTI"}, reply)
	require.Equal(t, wire.EnrollRequest{Code: "K7", Device: "desk"}, got)
}

func TestEnrollRefused(t *testing.T) {
	cases := []struct {
		status     int
		body, want string
		find       string
	}{
		{403, `{"error":"invitation_wrong"}`, "wrong", "wrong"},
		{410, `{"error":"invitation_used"}`, "used", "used"},
		{410, `{"error":"invitation_expired"}`, "expired", "expired"},
		{400, `no json`, "wrong", "not_deskbell"},
		{404, ``, "wrong", "not_deskbell"},
		{429, ``, "limited", "limited"},
		{403, `{"error":"limited"}`, "limited", "limited"},
		{500, ``, "failed", "failed"},
		{302, ``, "not_deskbell", "not_deskbell"},
		{200, `<html>`, "not_deskbell", "not_deskbell"},
		{200, `{}`, "failed", "not_deskbell"},
		{200, `{"name":"` + strings.Repeat("x", maxReply) + `"}`, "not_deskbell", "not_deskbell"},
	}
	for _, c := range cases {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://evil.example/")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		e := NewEnroller(Options{})
		_, err := e.Enroll(t.Context(), srv.URL, "K7", "desk")
		require.Equal(t, c.want, code(t, err), "%d %s", c.status, c.body)
		_, err = e.Find(t.Context(), srv.URL)
		require.Equal(t, c.find, code(t, err), "%d %s", c.status, c.body)
		srv.Close()
		_, err = e.Find(t.Context(), srv.URL)
		require.Equal(t, "unreachable", code(t, err))
	}
	e := NewEnroller(Options{})
	_, err := e.Find(t.Context(), "http://far.example")
	require.Equal(t, "insecure", code(t, err))
	_, err = e.Find(t.Context(), "nonsense")
	require.Equal(t, "not_deskbell", code(t, err))
}

func TestCertificates(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"name":"Example CTI"}`)
	}))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))

	plain, err := TLSConfig("")
	require.NoError(t, err)
	require.Equal(t, uint16(tls.VersionTLS12), plain.MinVersion)
	_, err = NewEnroller(Options{TLS: plain}).Find(t.Context(), srv.URL)
	require.Equal(t, "certificate", code(t, err))
	c := New(Options{TLS: plain})
	_, end := c.dial(t.Context(), srv.URL, "secret")
	require.Equal(t, WhyCertificate, end.why)
	require.False(t, end.final)

	own, err := TLSConfig(file)
	require.NoError(t, err)
	info, err := NewEnroller(Options{TLS: own}).Find(t.Context(), srv.URL)
	require.NoError(t, err)
	require.Equal(t, "Example CTI", info.Name)

	_, err = TLSConfig(filepath.Join(t.TempDir(), "none"))
	require.Error(t, err)
	require.NoError(t, os.WriteFile(file, []byte("none"), 0o600))
	_, err = TLSConfig(file)
	require.Error(t, err)
}
