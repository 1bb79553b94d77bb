package notice

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"git.sr.ht/~jackmordaunt/go-toast/wintoast"
	"github.com/gen2brain/beeep"
)

// Notifier shows toasts of the Windows Runtime. The library behind it can neither replace nor close a toast, so a
// notice that changes is shown again, and one that is closed only stops reporting clicks.
type Notifier struct {
	log    *slog.Logger
	done   chan struct{}
	events chan Event
	mu     sync.Mutex
	ended  bool
	serial uint64
	up     map[string]uint64 // key to the serial of its newest toast; clicks on older ones no longer count
	caps   Caps
}

// Open starts the notifier; it ends with ctx. There can be one per process: Windows calls back by process.
func Open(ctx context.Context, log *slog.Logger) (*Notifier, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open notifications: %w", err)
	}
	if err := wintoast.SetAppData(wintoast.AppData{AppID: AppName, GUID: activator}); err != nil {
		return nil, fmt.Errorf("register for notifications: %w", err)
	}
	n := &Notifier{log: log, done: make(chan struct{}), events: make(chan Event, 64), up: map[string]uint64{},
		caps: Caps{Actions: true}}
	wintoast.SetActivationCallback(func(_, args string, _ []wintoast.UserData) { n.activated(args) })
	go func() {
		<-ctx.Done()
		n.mu.Lock()
		defer n.mu.Unlock()
		n.ended = true
		close(n.events)
		close(n.done)
	}()
	return n, nil
}

// activator is the class id under which Windows finds this program when a toast is clicked.
const activator = "{7E1E9C1A-5B7C-4B0C-9E0E-3C9C5B1D7A42}"

// Check tells whether a toast can be shown at all. Windows says so only when one is pushed.
func (n *Notifier) Check(ctx context.Context) error { return ctx.Err() }

// Show puts a toast up. When the Windows Runtime refuses, a plain one without buttons is tried.
func (n *Notifier) Show(ctx context.Context, notice Notice) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("show a notice: %w", err)
	}
	n.mu.Lock()
	n.serial++
	serial := n.serial
	n.up[notice.Key] = serial
	n.mu.Unlock()

	text, err := toastXML(notice, serial)
	if err != nil {
		return fmt.Errorf("write a toast: %w", err)
	}
	// Never the library's PowerShell way: it puts the text into an expanding string, and a caller's name could
	// then run commands.
	err = wintoast.Push(text)
	n.setButtons(err == nil)
	if err == nil {
		return nil
	}
	n.log.Warn("toast without buttons", "error", err)
	if plainErr := beeep.Notify(harmless(notice.Title), harmless(notice.Body), notice.Icon); plainErr != nil {
		return fmt.Errorf("%w: %w", ErrNoNotices, errors.Join(err, plainErr))
	}
	return nil
}

func (n *Notifier) setButtons(can bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.caps.Actions = can
}

// harmless replaces what PowerShell would expand: the last resort may end there.
func harmless(s string) string {
	return strings.NewReplacer("$", "＄", "`", "'", `"`, "”", "\n", " – ", "]]>", "]] >").Replace(plain(s, true))
}

// Close makes later clicks on the toast harmless; Windows itself moves it to the action centre.
func (n *Notifier) Close(_ context.Context, key string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, up := n.up[key]; up {
		delete(n.up, key)
		n.emit(Event{Key: key, Closed: true, Reason: ReasonClosed})
	}
	return nil
}

// Events gives what happens to our own notices. The channel closes when the notifier ends.
func (n *Notifier) Events() <-chan Event { return n.events }

// Caps is what toasts can do here.
func (n *Notifier) Caps() Caps {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.caps
}

// Wait returns when the notifier has ended.
func (n *Notifier) Wait() { <-n.done }

// activated is called by Windows with the arguments of the toast or button: serial, action, key.
func (n *Notifier) activated(args string) {
	parts := strings.SplitN(args, "|", 3)
	if len(parts) != 3 {
		return
	}
	serial, err := strconv.ParseUint(parts[0], 10, 64)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil || n.up[parts[2]] != serial {
		return
	}
	n.emit(Event{Key: parts[2], Action: parts[1]})
}

// emit hands an event on; the caller holds mu. Nobody reading 64 events means nobody is there any more.
func (n *Notifier) emit(e Event) {
	if n.ended {
		return
	}
	select {
	case n.events <- e:
	default:
		n.log.Warn("notification event dropped, nobody reads them")
	}
}

// toast is the part of Microsoft's toast schema that we use
// (https://learn.microsoft.com/uwp/schemas/tiles/toastschema/schema-root).
type toast struct {
	XMLName    xml.Name `xml:"toast"`
	Activation string   `xml:"activationType,attr"`
	Launch     string   `xml:"launch,attr"`
	Duration   string   `xml:"duration,attr"`
	Scenario   string   `xml:"scenario,attr,omitempty"`
	Binding    binding  `xml:"visual>binding"`
	Audio      audio    `xml:"audio"`
	Buttons    []button `xml:"actions>action"`
}

type binding struct {
	Template string   `xml:"template,attr"`
	Image    *image   `xml:"image"`
	Text     []string `xml:"text"`
}

type image struct {
	Placement string `xml:"placement,attr"`
	Src       string `xml:"src,attr"`
}

type audio struct {
	Silent bool `xml:"silent,attr"`
}

type button struct {
	Activation string `xml:"activationType,attr"`
	Content    string `xml:"content,attr"`
	Arguments  string `xml:"arguments,attr"`
}

// toastXML writes the toast with everything escaped by the encoder.
func toastXML(n Notice, serial uint64) (string, error) {
	arguments := func(action string) string { return strconv.FormatUint(serial, 10) + "|" + action + "|" + n.Key }
	t := toast{Activation: "foreground", Launch: arguments(DefaultAction), Duration: "short",
		Binding: binding{Template: "ToastGeneric", Text: []string{plain(n.Title, false), plain(n.Body, true)}},
		Audio:   audio{Silent: n.Silent}}
	if n.Expire < 0 || n.Expire > 7*time.Second {
		t.Duration = "long"
	}
	if n.Icon != "" {
		t.Binding.Image = &image{Placement: "appLogoOverride", Src: n.Icon}
	}
	for _, a := range n.Actions {
		if a.ID != DefaultAction {
			t.Buttons = append(t.Buttons, button{"foreground", plain(a.Label, false), arguments(a.ID)})
		}
	}
	if n.Urgency == Critical && len(t.Buttons) > 0 {
		t.Scenario = "incomingCall"
	}
	out, err := xml.Marshal(t)
	return string(out), err
}
