//go:build cgo

package sound

import (
	"os"

	"github.com/gen2brain/malgo"
)

// backends are PulseAudio, which PipeWire serves too, and bare ALSA where there is a card: without one, ALSA's library
// prints to stderr and offers plugins that sound nowhere.
func backends() []malgo.Backend {
	list := []malgo.Backend{malgo.BackendPulseaudio}
	if _, err := os.Stat("/proc/asound/card0"); err == nil {
		list = append(list, malgo.BackendAlsa)
	}
	return list
}
