// Package desk is the tray's mind: Core turns messages into effects and does nothing else; Loop owns a Core and runs its effects.
package desk

import (
	"log/slog"
	"reflect"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/text"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// Limits of time that the Core keeps.
const (
	awayLimit     = 15 * time.Second // a ringing call is believed so long without a connection
	doubtAfter    = 2 * time.Second  // a server that restarts needs no words
	noticeAfter   = 15 * time.Second // a lost connection becomes a notice
	popGrace      = 3 * time.Second  // a claimed page may take so long until somebody says that it is open
	troubleGrace  = 5 * time.Second  // short troubles that mend themselves are not told
	linkPause     = 3 * time.Second  // between two links
	questionLimit = time.Minute      // an unanswered question goes away
	attemptLimit  = 2 * time.Minute  // a dialling attempt without news goes away
	memoryLimit   = 5 * time.Minute  // what was announced is remembered after the call is gone
	redialLimit   = 10 * time.Second // a dialling wish is asked again only so long after it was made
	heldLimit     = 20 * time.Second // the link that started the program waits so long for a connection
	activePause   = 30 * time.Second // between two reports that the user is here
)

// Core knows all that the tray knows. It has no goroutine, clock or I/O: the same messages at the same times always give
// the same effects. It belongs to one goroutine.
type Core struct {
	words *text.Words
	zone  *time.Location
	newID func() string

	account Account
	link    view.Link
	why     string
	downAt  time.Time
	hello   wire.HelloFromServer
	fresh   bool // a snapshot came since the link is up

	calls      []*call
	memory     map[csta.CallID]*memory
	attempts   []*attempt
	lines      map[deviceKey]wire.Line
	devices    []wire.Device
	systems    []wire.System
	entries    []wire.Entry
	unlisted   int // unseen missed calls that are older than the list
	gaps       []wire.Gap
	troubles   map[string]*trouble
	local      []Machine // troubles of this computer, oldest first
	pops       map[string]*pop
	settings   settings
	seen       Seen
	missed     missedNotice
	gap        *wire.Gap // told in a notice that is still up
	downTold   bool
	doubt      bool // the connection is away for so long that calls shown are doubted
	said       []Notice
	saidNo     int
	question   *question
	questionNo int
	choose     csta.CallID // the call of which the user chooses a customer
	stale      []wish      // dialling wishes whose replies were lost
	held       string      // number of the link that started the program, until there is a connection
	enrol      *enrolment
	lastLink   time.Time
	lastUse    time.Time

	waiting map[uint64]waiting
	nextID  uint64

	now     time.Time
	out     []Effect
	shown   []shown
	tone    *Tone
	tray    *Tray
	view    *view.State
	hurried bool
	timers  map[string]bool
}

type deviceKey struct {
	system csta.SystemID
	device csta.DeviceID
}

// Config is what a Core starts with.
type Config struct {
	Words    *text.Words
	Zone     *time.Location // for times on screen
	NewID    func() string  // makes command ids, unique for ever
	Account  Account        // zero: none yet
	Settings map[string]string
	Seen     Seen
}

// New makes a Core. Begin gives its first effects.
func New(c Config) *Core {
	core := &Core{
		words: c.Words, zone: c.Zone, newID: c.NewID, account: c.Account, seen: c.Seen,
		link:     view.LinkConnecting,
		memory:   map[csta.CallID]*memory{},
		lines:    map[deviceKey]wire.Line{},
		troubles: map[string]*trouble{},
		pops:     map[string]*pop{},
		settings: newSettings(c.Settings),
		waiting:  map[uint64]waiting{},
		timers:   map[string]bool{},
	}
	if c.Account.Server == "" {
		core.link = view.LinkNone
	}
	return core
}

// Begin gives the effects that show the first state.
func (c *Core) Begin(now time.Time) []Effect { return c.step(now, func() {}) }

// Handle takes one message and gives what is to be done.
func (c *Core) Handle(m Message, now time.Time) []Effect {
	return c.step(now, func() { c.take(m) })
}

func (c *Core) step(now time.Time, change func()) []Effect {
	c.now, c.out = now, nil
	c.forget()
	change()
	c.settle()
	out := c.out
	c.out = nil
	return out
}

func (c *Core) take(m Message) {
	switch m := m.(type) {
	case LinkUp:
		c.linkUp(m)
	case LinkDown:
		c.linkDown(m)
	case Told:
		c.told(m.Note)
	case Replied:
		c.replied(m)
	case Pressed:
		c.pressed(m)
	case NoticeGone:
		c.noticeGone(m)
	case NoticesBack:
		c.noticesBack()
	case NoticeShown:
		c.machine(Machine{Code: "notices", Over: m.Err == ""})
	case Chosen:
		c.chosen(m.ID)
	case Asked:
		c.asked(m)
	case TonePlayed:
		for _, code := range []string{"sound", "tone_file", "output"} {
			c.machine(Machine{Code: code, Over: m.Err != code})
		}
	case PageOpened:
		c.pageOpened(m)
	case ClipboardRead:
		c.clipboardRead(m)
	case ServerFound:
		c.serverFound(m)
	case Enrolled:
		c.enrolled(m)
	case Woke:
		if c.link != view.LinkRefused && c.link != view.LinkNone {
			c.do(Redial{})
		}
	case Machine:
		c.machine(m)
	case Fired:
		c.fired(m.Timer)
	}
}

// told takes a notification of the server.
func (c *Core) told(note any) {
	switch n := note.(type) {
	case wire.Snapshot:
		c.snapshot(n)
	case wire.Call:
		c.callTold(n)
	case wire.Joined:
		c.joined(n)
	case wire.Line:
		c.lines[deviceKey{n.System, n.Device}] = n
	case wire.Contact:
		c.contactTold(n)
	case wire.Attempt:
		c.attemptTold(n)
	case wire.Pop:
		c.popTold(n)
	case wire.Entry:
		c.entryTold(n)
	case wire.Gap:
		c.gapCame(n)
	case wire.Trouble:
		c.troubleTold(n)
	case wire.Settings:
		c.settings.server = n
	case wire.Devices:
		c.devices, c.systems = n.Devices, n.Systems
	default:
		c.log(slog.LevelWarn, "notification of unknown type")
	}
}

// settle compares what should be on screen, heard and published with what is, and gives the difference as effects.
func (c *Core) settle() {
	c.settleTone()
	c.settleNotices()
	c.settleHurry()
	c.settleTray()
	c.settleView()
}

// settleView publishes the state, if it changed.
func (c *Core) settleView() {
	if s := c.state(); c.view == nil || !reflect.DeepEqual(*c.view, s) {
		c.view = &s
		c.do(Publish{State: s})
	}
}

func (c *Core) do(e Effect) { c.out = append(c.out, e) }

func (c *Core) log(level slog.Level, text string, attrs ...slog.Attr) {
	c.do(Log{Level: level, Text: text, Attrs: attrs})
}

func (c *Core) setTimer(name string, after time.Duration) {
	c.timers[name] = true
	c.do(SetTimer{Timer: name, After: after})
}

func (c *Core) stopTimer(name string) {
	if c.timers[name] {
		delete(c.timers, name)
		c.do(StopTimer{Timer: name})
	}
}

// settleHurry tells the connection whether calls are running.
func (c *Core) settleHurry() {
	on := slices.ContainsFunc(c.calls, func(k *call) bool { _, own := k.own(); return own }) || len(c.attempts) > 0
	if on != c.hurried {
		c.hurried = on
		c.do(Hurry{On: on})
	}
}
