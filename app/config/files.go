package config

import (
	"context"
	"crypto/tls"
	"os"
	"runtime"
	"time"
)

// validateFiles looks whether what the settings name is there.
func (c *Config) validateFiles(ps *Problems) {
	c.Server.validateTLS(ps)
	if info, err := os.Stat(c.Server.DataDir); err == nil && !info.IsDir() {
		ps.add("server.data_dir", "%q is no folder", c.Server.DataDir)
	}
	for _, id := range sortedKeys(c.Systems) {
		c.Systems[id].Secrets.validate(ps, join("system", id))
	}
	for _, id := range sortedKeys(c.Contacts) {
		c.Contacts[id].Secrets.validate(ps, join("contacts", id))
	}
}

func (s Server) validateTLS(ps *Problems) {
	if s.TLSCert == "" || s.TLSKey == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
	if err != nil {
		ps.add("server.tls_cert", "cannot be used with tls_key: %s", err)
		return
	}
	warnReadable(ps, "server.tls_key", s.TLSKey)
	now := time.Now()
	switch leaf := pair.Leaf; {
	case leaf == nil:
	case now.After(leaf.NotAfter):
		ps.warn("server.tls_cert", "the certificate expired on %s", leaf.NotAfter.Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		ps.warn("server.tls_cert", "the certificate is not valid before %s", leaf.NotBefore.Format(time.DateOnly))
	}
}

// validate reads every secret once; what there is for each device or user is only known while running.
func (s Secrets) validate(ps *Problems, prefix string) {
	for _, key := range sortedKeys(s) {
		secret := s[key]
		if secret.perSubject() {
			continue
		}
		if _, err := secret.Resolve(context.Background(), ""); err != nil {
			ps.add(join(prefix, key), "%s", err)
			continue
		}
		if secret.File != "" {
			warnReadable(ps, join(prefix, key), secret.File)
		}
	}
}

// warnReadable tells of a secret that other users of the machine can read.
func warnReadable(ps *Problems, key, path string) {
	info, err := os.Stat(path)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		ps.warn(key, "%q can be read by other users (mode %04o); use chmod 640 or 600", path, info.Mode().Perm())
	}
}
