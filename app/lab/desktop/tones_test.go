//go:build desktop && linux

package desktop

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// ringAndStop rings from outside or inside, says what must be heard, and ends the call.
func (b *bench) ringAndStop(number, output, tone string) {
	b.t.Helper()
	var uuid string
	if len(number) > 3 {
		uuid = b.ring(number)
	} else {
		var err error
		uuid, err = b.lab().Dial(number, "101")
		require.NoError(b.t, err)
	}
	b.sounds(output, tone)
	require.NoError(b.t, b.lab().CallerHangsUp(uuid))
	b.hushes(output)
	b.quiet()
}

func TestOwnTonesOfEveryFormat(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs("testdata")
	require.NoError(t, err)
	b := open(t, options{
		listen: []string{desktoptest.Desk, desktoptest.Headset},
		settings: fmt.Sprintf("output = \"Headset\"\ntone_external = %q\ntone_internal = %q\ntone_vip = %q\n",
			dir+"/own.wav", dir+"/own.ogg", dir+"/own.mp3"),
	})
	b.ringAndStop(strangerNumber, desktoptest.Headset, own)
	b.ringAndStop("102", desktoptest.Headset, own)
	b.ringAndStop(vipNumber, desktoptest.Headset, own)
	b.silent(desktoptest.Desk)
}

func TestBrokenToneAndNoSoundServer(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.ogg")
	require.NoError(t, os.WriteFile(broken, []byte("OggS and then nothing of use"), 0o600))
	b := open(t, options{listen: []string{desktoptest.Desk}, settings: fmt.Sprintf("tone_internal = %q\n", broken)})
	const said = "Your ringtone cannot be played; the built-in one rings. Choose another file in the settings."
	b.ringAndStop("102", desktoptest.Desk, internal)
	require.Equal(t, said, b.trouble("tone_file"))
	b.toast(said, func(n desktoptest.NoticeCall) bool { return n.Title == "Deskbell needs attention" && n.Body == said })
	b.shows("trouble+", said+" – 1 missed call")
	b.ringAndStop(strangerNumber, desktoptest.Desk, external)
	b.healed("tone_file")

	b.desk.StopPiece(desktoptest.Sound)
	b.next()
	uuid := b.ring(strangerNumber)
	toast := b.announced()
	require.Equal(t, "No sound can be played. Check the sound output in the settings; calls still appear.", b.trouble("sound"))
	require.NoError(t, b.desk.StartPiece(testdesk.Context(t), desktoptest.Sound))
	b.healed("sound")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.closed(toast)
}

func TestMissingOutput(t *testing.T) {
	t.Parallel()
	b := open(t, options{listen: []string{desktoptest.Desk}, settings: "output = \"Unplugged\"\n"})
	const said = "Your chosen sound output is not there; another one is used. Choose one in the settings."
	b.ringAndStop(strangerNumber, desktoptest.Desk, external)
	require.Equal(t, said, b.trouble("output"))
	b.shows("trouble+", said+" – 1 missed call")
}
