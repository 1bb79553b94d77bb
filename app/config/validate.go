package config

import (
	"cmp"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/yosida95/uritemplate/v3"
)

// idShape is how systems and sources are named: they stand in addresses, paths and logs.
var idShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// maxRetention is the longest time call records may be kept, in days.
const maxRetention = 3650

func (c *Config) validate(ps *Problems, files bool) {
	c.Server.validate(ps)
	if c.Retention.Days < 1 || c.Retention.Days > maxRetention {
		ps.add("retention.days", "%d, expected 1 to %d", c.Retention.Days, maxRetention)
	}
	ps.addAll("tenant", c.Tenant.Plan().Validate())
	if _, err := time.LoadLocation(c.Tenant.TimeZone); err != nil || c.Tenant.TimeZone == "Local" {
		ps.add("tenant.time_zone", "%q, expected a name such as Europe/Berlin", c.Tenant.TimeZone)
	}
	c.Page.validate(ps)
	c.validateSystems(ps)
	for _, id := range sortedKeys(c.Contacts) {
		checkID(ps, "contacts", id)
	}
	c.Defaults.validate(ps, "defaults")
	c.Locks.validate(ps, "locks")
	if files {
		c.validateFiles(ps)
	}
}

func checkID(ps *Problems, section, id string) {
	if !idShape.MatchString(id) {
		ps.add(join(section, id), "expected letters, digits and . _ @ -, at most 64, beginning with a letter or digit")
	}
}

func (s Server) validate(ps *Problems) {
	ps.addServerLog(s)
	tls := s.TLSCert != "" || s.TLSKey != ""
	if (s.TLSCert == "") != (s.TLSKey == "") {
		ps.add("server.tls_cert", "tls_cert and tls_key belong together")
	}
	if host, ok := checkListen(ps, "server.listen", s.Listen); ok && !tls && !isLoopback(host) {
		ps.add("server.listen", "%q needs tls_cert and tls_key; without TLS the server listens on this machine only", s.Listen)
	}
	if s.MetricsListen != "" {
		if host, ok := checkListen(ps, "server.metrics_listen", s.MetricsListen); ok && !isLoopback(host) {
			ps.warn("server.metrics_listen", "%q can be read by everybody in the network", s.MetricsListen)
		}
		if s.MetricsListen == s.Listen {
			ps.add("server.metrics_listen", "expected another address than server.listen")
		}
	}
	if strings.TrimSpace(s.Name) == "" || len(s.Name) > 200 {
		ps.add("server.name", "expected 1 to 200 characters")
	}
	if !filepath.IsAbs(s.DataDir) {
		ps.add("server.data_dir", "%q, expected an absolute path", s.DataDir)
	}
	s.validatePublicURL(ps)
}

func (ps *Problems) addServerLog(s Server) {
	if err := s.Logging().Validate(); err != nil {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range joined.Unwrap() {
				key := "server.log_level"
				if strings.Contains(one.Error(), "format") {
					key = "server.log_format"
				}
				ps.add(key, "%s", one)
			}
		}
	}
}

func (s Server) validatePublicURL(ps *Problems) {
	if s.PublicURL == "" {
		return
	}
	u, err := url.Parse(s.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		ps.add("server.public_url", "expected https://host…")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		ps.add("server.public_url", "expected https; http is for this machine only")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		ps.add("server.public_url", "expected no user, query or fragment")
	}
}

func checkListen(ps *Problems, key, address string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		ps.add(key, "%q, expected host:port, for example %s", address, DefaultListen)
		return "", false
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		ps.add(key, "%q, expected a port from 0 to 65535", address)
		return "", false
	}
	return host, true
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// validate looks at the form only; which names a template may use is known where pages are built.
func (p Page) validate(ps *Problems) {
	if p.Template == "" {
		return
	}
	if _, err := uritemplate.New(p.Template); err != nil {
		ps.add("page.template", "not an RFC 6570 template: %s", err)
		return
	}
	if !strings.HasPrefix(p.Template, "https://") && !strings.HasPrefix(p.Template, "http://") {
		ps.add("page.template", "expected https://host/… with fields such as {number}")
	}
}

func (c *Config) validateSystems(ps *Problems) {
	for _, id := range sortedKeys(c.Systems) {
		checkID(ps, "system", id)
		s := c.Systems[id]
		s.Name, s.Emergency = cmp.Or(s.Name, id), cmp.Or(s.Emergency, DefaultEmergency)
		if s.Emergency != "phone" && s.Emergency != "dial" {
			ps.add(join(join("system", id), "emergency"), "%q, expected phone or dial", s.Emergency)
		}
		c.Systems[id] = s
	}
	if len(c.Systems) == 0 {
		ps.warn("system", "there is no telephone system; nobody will see a call")
	}
}
