// Package config reads the server's settings file and tells everything that is wrong with it at once.
package config

import (
	"deskbell/app/logging"
	"deskbell/app/number/plan"
)

// Config is the whole settings file. Each field's tag is its key; docs/configuration.md describes them all.
type Config struct {
	Server    Server              `toml:"server"`
	Retention Retention           `toml:"retention"`
	Tenant    Tenant              `toml:"tenant"`
	Page      Page                `toml:"page"`
	Systems   map[string]System   `toml:"system"`
	Contacts  map[string]Contacts `toml:"contacts"`
	Defaults  Settings            `toml:"defaults"`
	Locks     Settings            `toml:"locks"`
}

// Server is how the program runs and is reached.
type Server struct {
	// Name is shown to users: "Example Ltd".
	Name string `toml:"name"`
	// Listen is host:port; without TLS on this machine only.
	Listen string `toml:"listen"`
	// TLSCert and TLSKey are PEM files; they are read anew when they change.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// PublicURL is the address under which trays and callbacks reach the server: "https://cti.example.com".
	PublicURL string `toml:"public_url"`
	// DataDir holds the log, the journal and the accounts.
	DataDir string `toml:"data_dir"`
	// MetricsListen serves /metrics at an address of its own; empty: not at all.
	MetricsListen string `toml:"metrics_listen"`
	LogLevel      string `toml:"log_level"`
	LogFormat     string `toml:"log_format"`
	LogFile       string `toml:"log_file"`
}

// Logging are the options of the program's log.
func (s Server) Logging() logging.Options {
	return logging.Options{Level: s.LogLevel, Format: s.LogFormat, File: s.LogFile}
}

// Retention says when call records are deleted.
type Retention struct {
	// Days after its end a call is deleted.
	Days int `toml:"days"`
}

// Tenant is where the telephones stand. There is one, named "default", until there are more.
type Tenant struct {
	Region      string `toml:"region"`
	AreaCode    string `toml:"area_code"`
	OutsideLine string `toml:"outside_line"`
	// ExtensionLength is a number or [shortest, longest].
	ExtensionLength Lengths `toml:"extension_length"`
	// Countries are ordinary to call beside Region.
	Countries []string `toml:"countries"`
	// TimeZone is for figures: "Europe/Berlin".
	TimeZone string `toml:"time_zone"`
	// Cities shows a caller's city instead of the country only; costs about 14 MiB of memory.
	Cities bool `toml:"cities"`
	// Administrator is who users should ask, shown at locked settings.
	Administrator string `toml:"administrator"`
}

// Plan are the tenant's settings for reading numbers.
func (t Tenant) Plan() plan.Settings {
	return plan.Settings{
		Region: t.Region, AreaCode: t.AreaCode, OutsideLine: t.OutsideLine, Countries: t.Countries, Cities: t.Cities,
		ExtensionMin: t.ExtensionLength.Min, ExtensionMax: t.ExtensionLength.Max,
	}
}

// Page is what opens as the customer's page.
type Page struct {
	// Template is an RFC 6570 template; empty: only contacts' own pages.
	Template string `toml:"template"`
	// PreferContact takes a contact's own page before the template.
	PreferContact bool `toml:"prefer_contact"`
}

// System is one telephone system. All further keys belong to its type.
type System struct {
	Type string `toml:"type"`
	// Name is shown to users; default is the id.
	Name string `toml:"name"`
	// Emergency says what happens to an emergency number typed by hand: "phone" (use the phone) or "dial".
	Emergency string `toml:"emergency"`
	// Config is the type's own part.
	Config Validator `toml:"-"`
	// Secrets are the references found in the type's part, by their key.
	Secrets Secrets `toml:"-"`
}

// Contacts is one contact source. All further keys belong to its type.
type Contacts struct {
	Type string `toml:"type"`
	// Order says whose contact comes first; the lower, the earlier.
	Order   int       `toml:"order"`
	Config  Validator `toml:"-"`
	Secrets Secrets   `toml:"-"`
}

// Settings are values for settings of the trays, by the names of the tray's settings file, as text.
type Settings map[string]string

// Validator is the settings of one connector type.
type Validator interface {
	// Validate reports all mistakes at once, joined, each starting with the key it is about.
	Validate() error
}

// Types name the connectors there are: type name -> empty settings, ready to be decoded into.
type Types struct {
	Systems, Contacts map[string]func() Validator
}

// Of makes the map of a contract's configs one of Validators.
func Of[C Validator](types map[string]func() C) map[string]func() Validator {
	all := make(map[string]func() Validator, len(types))
	for name, empty := range types {
		all[name] = func() Validator { return empty() }
	}
	return all
}

// Defaults of the settings file.
const (
	DefaultListen        = "127.0.0.1:7443"
	DefaultRetentionDays = 30
	DefaultTimeZone      = "UTC"
	DefaultEmergency     = "phone"
)

func defaults() *Config {
	return &Config{
		Server:    Server{Name: "Deskbell", Listen: DefaultListen, DataDir: defaultDataDir(), LogLevel: "info", LogFormat: "text"},
		Retention: Retention{Days: DefaultRetentionDays},
		Tenant:    Tenant{TimeZone: DefaultTimeZone, Cities: true},
		Systems:   map[string]System{}, Contacts: map[string]Contacts{}, Defaults: Settings{}, Locks: Settings{},
	}
}
