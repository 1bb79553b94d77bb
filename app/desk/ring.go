package desk

import (
	"deskbell/app/wire"
)

// settleTone makes the tone what it should be: looping while a phone rings that nobody silenced, and one soft knock for
// each further call while talking.
func (c *Core) settleTone() {
	want, knock := c.wantTone()
	switch {
	case want == nil && c.tone != nil:
		c.tone = nil
		c.do(StopTone{})
	case want != nil && (c.tone == nil || *want != *c.tone):
		c.tone = want
		c.do(PlayTone{Tone: *want})
	}
	if knock {
		c.do(PlayTone{Tone: c.settings.tone("knock", false)})
	}
}

func (c *Core) wantTone() (loop *Tone, knock bool) {
	muted, talking, known := c.settings.muted(), c.talking(), c.believed()
	for _, k := range c.calls {
		if !k.ringing() {
			continue
		}
		m := c.remember(k.id)
		loud := !m.silenced && !muted && known
		if loud && talking && !m.heard && c.settings.knock() {
			knock = true
		}
		m.heard = true
		if loud && !talking && loop == nil {
			t := c.settings.tone(ringKind(k), true)
			loop = &t
		}
	}
	return loop, knock
}

// ringKind is the tone of a call: what the server says, else by where the call comes from.
func ringKind(k *call) string {
	if k.ring != "" {
		return string(k.ring)
	}
	if k.front().Far.Kind == wire.PartyInternal {
		return string(wire.RingInternal)
	}
	return string(wire.RingExternal)
}
