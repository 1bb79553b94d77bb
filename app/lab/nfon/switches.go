package nfon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Duration is a time span that reads and writes as text ("1m30s") in JSON and in scripts.
type Duration time.Duration

// MarshalText writes the span the way time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads and refuses negative spans.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	if v < 0 {
		return fmt.Errorf("duration %s is negative", v)
	}
	*d = Duration(v)
	return nil
}

// Switches are the things nobody knows for sure about the real system, or that it does on a bad day. Each has a JSON name
// for scripts and the control interface. A value is never changed in place: Server.Set and Server.Configure put a new one.
type Switches struct {
	// Sign-in.
	TokenLifetime   Duration `json:"token_lifetime"`   // of access tokens issued from now on
	RefreshLifetime Duration `json:"refresh_lifetime"` // of refresh tokens issued from now on
	RefreshReuse    bool     `json:"refresh_reuse"`    // an old refresh token stays good after its use
	StreamOnExpiry  string   `json:"stream_on_expiry"` // keep, close, close_after_grace
	ExpiryGrace     Duration `json:"expiry_grace"`     // for close_after_grace
	NoExtended      bool     `json:"no_extended"`      // extended_presence is false in the access token
	Unauthorized    bool     `json:"unauthorized"`     // every token and every sign-in is refused with 401
	LicenceMissing  bool     `json:"licence_missing"`  // 403 on states and calls
	RequireUA       bool     `json:"require_ua"`       // 400 without "<product>/<version> (<K-Account>)"; off: only warn
	CancelScope     string   `json:"cancel_scope"`     // what DELETE reaches: setup, caller_phase, any

	// Framing of streams.
	PingStyle    string   `json:"ping_style"` // none, colon, ping
	PingInterval Duration `json:"ping_interval"`
	EventLine    string   `json:"event_line"`   // value of an event: line before each data: line; empty for none
	DataNoSpace  bool     `json:"data_nospace"` // data:{ instead of data: {
	CRLF         bool     `json:"crlf"`

	// What events say.
	APIStatesOnStream bool   `json:"api_states_on_stream"` // start and end of API requests show on GET /calls
	ErrorOn           string `json:"error_on"`             // hangup, end, both, end_after_hangup
	OmitRing          bool   `json:"omit_ring"`
	OmitCallerRing    bool   `json:"omit_caller_ring"`
	OmitUpdated       bool   `json:"omit_updated"`
	OmitCustomer      bool   `json:"omit_customer"`
	TimeForm          string `json:"time_form"`        // rfc3339, extra_seconds (as in the vendor's sample), garbage, empty
	ExtraState        string `json:"extra_state"`      // sent after each answer, e.g. bridge; empty for none
	InboundStart      string `json:"inbound_start"`    // sent before the first ring of an inbound call, e.g. start or dial
	UnknownLine       string `json:"unknown_line"`     // written instead of in-use, e.g. busy
	UnknownPresence   string `json:"unknown_presence"` // written instead of available
	PresenceNull      string `json:"presence_null"`    // an unset presence is: quoted ("null"), null, absent
	RingbackLine      string `json:"ringback_line"`    // line of a phone whose outgoing call rings: in-use, ringing, idle

	// How calls are modelled.
	GroupLosersEnd   bool   `json:"group_losers_end"`   // members who did not answer get a hangup; off: nothing at all
	InternalOneLeg   bool   `json:"internal_one_leg"`   // an internal call shows only at the caller
	InternalTwoUUIDs bool   `json:"internal_two_uuids"` // the two legs of an internal call have different uuids
	InternalNumbers  string `json:"internal_numbers"`   // short, long
	UUIDStyle        string `json:"uuid_style"`         // hex, word (letters beyond f)
	NumberForm       string `json:"number_form"`        // outside numbers: e164, national (in K-Account context), plus, zero_zero
	InboundCallee    string `json:"inbound_callee"`     // did, extension, head
	Clip             string `json:"clip"`               // digits shown as caller of outbound calls; empty: the extension
	AnonymousForm    string `json:"anonymous_form"`     // empty, missing, anonymous
	NoCallWaiting    bool   `json:"no_call_waiting"`    // a second call to a talking phone is busy
	AcceptAnyFramed  bool   `json:"accept_any_framed"`  // POST with Accept */* gets its one object behind "data: "

	// Time.
	SetupDelay  Duration `json:"setup_delay"`  // between accepting an API request and dialling its caller
	RingTimeout Duration `json:"ring_timeout"` // a ring nobody reacts to ends after this; 0 never
	StatesLag   Duration `json:"states_lag"`   // the states feed says things this much later than the calls feed

	// Hostile streams. The numbers mean "every n-th event"; 0 is off.
	Lose            []string `json:"lose"` // call states that are never sent
	DuplicateEvents bool     `json:"duplicate_events"`
	ReorderEvents   bool     `json:"reorder_events"` // each pair of events is swapped, if the second comes within 200 ms
	BrokenJSONEvery int      `json:"broken_json_every"`
	LongLineEvery   int      `json:"long_line_every"`
	HalfEventEvery  int      `json:"half_event_every"`
	SplitEvents     bool     `json:"split_events"` // an event arrives in two pieces
	LongLineBytes   int      `json:"long_line_bytes"`
	PadBytes        int      `json:"pad_bytes"` // a field of this size in every true event

	// Faults by endpoint: login, refresh, jwks, data, states, calls, originate, cancel, or * for all.
	Faults map[string]Fault `json:"faults"`
}

// Fault is what an endpoint does instead of, or before, its work.
type Fault struct {
	Delay    Duration `json:"delay"`
	Status   int      `json:"status"`   // answer with this status and, but for 401, an error body
	Redirect string   `json:"redirect"` // answer 302 to this place
	Reset    bool     `json:"reset"`    // reset the connection without an answer
	Times    int      `json:"times"`    // how many requests it meets; 0 all
}

// Defaults are the answers the sources make most likely.
func Defaults() Switches {
	return Switches{
		TokenLifetime: Duration(5 * time.Minute), RefreshLifetime: Duration(24 * time.Hour),
		StreamOnExpiry: "keep", ExpiryGrace: Duration(30 * time.Second), CancelScope: "setup",
		PingStyle: "none", PingInterval: Duration(15 * time.Second),
		ErrorOn: "hangup", TimeForm: "rfc3339", PresenceNull: "quoted", RingbackLine: "in-use",
		InternalNumbers: "short", UUIDStyle: "hex", NumberForm: "e164", InboundCallee: "did", AnonymousForm: "empty",
		SetupDelay: Duration(20 * time.Millisecond), RingTimeout: Duration(2 * time.Minute),
		LongLineBytes: 1<<20 + 4096, Lose: []string{}, Faults: map[string]Fault{},
	}
}

var choices = []struct {
	name  string
	value func(Switches) string
	of    []string
}{
	{"stream_on_expiry", func(s Switches) string { return s.StreamOnExpiry }, []string{"keep", "close", "close_after_grace"}},
	{"cancel_scope", func(s Switches) string { return s.CancelScope }, []string{"setup", "caller_phase", "any"}},
	{"ping_style", func(s Switches) string { return s.PingStyle }, []string{"none", "colon", "ping"}},
	{"error_on", func(s Switches) string { return s.ErrorOn }, []string{"hangup", "end", "both", "end_after_hangup"}},
	{"time_form", func(s Switches) string { return s.TimeForm }, []string{"rfc3339", "extra_seconds", "garbage", "empty"}},
	{"presence_null", func(s Switches) string { return s.PresenceNull }, []string{"quoted", "null", "absent"}},
	{"ringback_line", func(s Switches) string { return s.RingbackLine }, []string{"in-use", "ringing", "idle"}},
	{"internal_numbers", func(s Switches) string { return s.InternalNumbers }, []string{"short", "long"}},
	{"uuid_style", func(s Switches) string { return s.UUIDStyle }, []string{"hex", "word"}},
	{"number_form", func(s Switches) string { return s.NumberForm }, []string{"e164", "national", "plus", "zero_zero"}},
	{"inbound_callee", func(s Switches) string { return s.InboundCallee }, []string{"did", "extension", "head"}},
	{"anonymous_form", func(s Switches) string { return s.AnonymousForm }, []string{"empty", "missing", "anonymous"}},
}

// Validate lists every value that makes no sense.
func (s Switches) Validate() error {
	var errs []error
	for _, c := range choices {
		if v := c.value(s); !slices.Contains(c.of, v) {
			errs = append(errs, fmt.Errorf("%s: %q is none of %s", c.name, v, strings.Join(c.of, ", ")))
		}
	}
	if s.TokenLifetime == 0 || s.RefreshLifetime == 0 {
		errs = append(errs, errors.New("token_lifetime and refresh_lifetime must be above zero"))
	}
	if s.PingStyle != "none" && s.PingInterval == 0 {
		errs = append(errs, errors.New("ping_interval must be above zero"))
	}
	if s.LongLineBytes < 0 || s.LongLineBytes > 64<<20 || s.PadBytes < 0 || s.PadBytes > 64<<20 {
		errs = append(errs, errors.New("long_line_bytes and pad_bytes must lie between 0 and 64 MiB"))
	}
	if strings.ContainsAny(s.EventLine, "\r\n") {
		errs = append(errs, errors.New("event_line must be one line"))
	}
	for name, f := range s.Faults {
		if name != "*" && !slices.Contains(endpoints, name) {
			errs = append(errs, fmt.Errorf("faults.%s: no such endpoint; there are %s", name, strings.Join(endpoints, ", ")))
		}
		if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
			errs = append(errs, fmt.Errorf("faults.%s.status: %d is no final HTTP status", name, f.Status))
		}
	}
	return errors.Join(errs...)
}

// With returns a copy with one value changed. The name is a JSON name, or a path into faults ("faults.states.status");
// the value is JSON, or bare text where the switch holds text; the word default puts the default back.
func (s Switches) With(name, value string) (Switches, error) {
	tree, err := toTree(s)
	if err != nil {
		return s, err
	}
	root, _, deep := strings.Cut(name, ".")
	if _, known := tree[root]; !known || (deep && root != "faults") {
		return s, fmt.Errorf("no switch is named %q", name)
	}
	plain := json.RawMessage(value)
	if value == "default" {
		plain = nil
	} else if !json.Valid(plain) || isText(tree[root], deep, name) && value[0] != '"' {
		plain, _ = json.Marshal(value) // a string always encodes
	}
	if err := put(tree, strings.Split(name, "."), plain); err != nil {
		return s, err
	}
	return fromTree(tree)
}

// isText says whether the present value is a JSON string, so that `set clip 4989` need not be quoted.
func isText(present json.RawMessage, deep bool, name string) bool {
	if deep {
		return strings.HasSuffix(name, ".redirect") || strings.HasSuffix(name, ".delay")
	}
	return len(present) > 0 && present[0] == '"'
}

func toTree(s Switches) (map[string]json.RawMessage, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode switches: %w", err)
	}
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, fmt.Errorf("read switches: %w", err)
	}
	return tree, nil
}

// put sets what is at the path; nil removes it, so that fromTree finds the default.
func put(tree map[string]json.RawMessage, path []string, value json.RawMessage) error {
	if len(path) == 1 {
		if value == nil {
			delete(tree, path[0])
		} else {
			tree[path[0]] = value
		}
		return nil
	}
	var below map[string]json.RawMessage
	if old, ok := tree[path[0]]; ok {
		if err := json.Unmarshal(old, &below); err != nil {
			return fmt.Errorf("switch %s: %w", path[0], err)
		}
	}
	if below == nil {
		below = map[string]json.RawMessage{}
	}
	if err := put(below, path[1:], value); err != nil {
		return err
	}
	b, err := json.Marshal(below)
	if err != nil {
		return fmt.Errorf("encode switch %s: %w", path[0], err)
	}
	tree[path[0]] = b
	return nil
}

func fromTree(tree map[string]json.RawMessage) (Switches, error) {
	b, err := json.Marshal(tree)
	if err != nil {
		return Switches{}, fmt.Errorf("encode switches: %w", err)
	}
	s := Defaults() // what the tree leaves out
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Switches{}, fmt.Errorf("read switch: %w", err)
	}
	return s, s.Validate()
}
