//go:build desktop && linux && cgo

package sound

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

func newPlayer(t *testing.T) (*Player, chan Event) {
	events := make(chan Event, 64)
	p := New(slog.New(slog.NewTextHandler(t.Output(), nil)), func(e Event) { events <- e })
	t.Cleanup(p.Close)
	return p, events
}

// await gives the next event of that kind; others before it are dropped.
func await(t *testing.T, events chan Event, kind Kind) Event {
	t.Helper()
	for {
		select {
		case e := <-events:
			if e.Kind == kind {
				return e
			}
		case <-testdesk.Context(t).Done():
			require.Failf(t, "no event", "kind %d", kind)
		}
	}
}

func record(t *testing.T, d *desktoptest.Desktop, output string) *desktoptest.LevelRecorder {
	r, err := d.RecordLevel(testdesk.Context(t), output)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

func threads(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(status), "Threads:")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	return n
}

func TestToneSoundsAtTheChosenOutputOnly(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Sound: true})
	ctx := testdesk.Context(t)
	desk, headset := record(t, d, desktoptest.Desk), record(t, d, desktoptest.Headset)
	p, events := newPlayer(t)

	outputs, err := p.Outputs(ctx)
	require.NoError(t, err)
	require.ElementsMatch(t, []Output{{"desk", "Desk", true}, {"headset", "Headset", false}}, outputs)

	for _, setting := range []string{"headset", "Headset"} {
		begin := time.Now()
		id := p.Play(Tone{Name: "external", Loop: true, Volume: 1, Output: setting})
		heard, err := headset.AwaitSound(ctx, begin)
		require.NoError(t, err)
		require.Equal(t, "Headset", await(t, events, Started).Output)

		end := time.Now()
		p.Stop(id)
		silent, err := headset.AwaitSilence(ctx, end, time.Second)
		require.NoError(t, err)
		await(t, events, Ended)
		t.Logf("start to sound %v, stop to silence %v", heard.Sub(begin), silent.Sub(end))
		require.Zero(t, desk.Loudest(begin), "the other output stays exactly silent")
	}
}

func TestOwnFilesOfEveryFormatSound(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Sound: true})
	ctx := testdesk.Context(t)
	desk := record(t, d, desktoptest.Desk)
	p, events := newPlayer(t)
	for _, name := range []string{"tone.wav", "tone.ogg", "tone.mp3"} {
		path := filepath.Join(t.TempDir(), name)
		_, err := d.Run(ctx, "sox", "-n", "-r", "44100", "-b", "16", "-c", "2", path, "synth", "0.4", "sine", "440", "gain", "-6")
		if strings.HasSuffix(name, ".mp3") && err != nil {
			_, err = d.Run(ctx, "sox", "-n", "-r", "44100", "-c", "2", path, "synth", "0.4", "sine", "440", "gain", "-6")
		}
		require.NoError(t, err)
		begin := time.Now()
		p.Play(Tone{Name: "knock", Path: path, Volume: 1})
		await(t, events, Ended)
		silent, err := desk.AwaitSilence(ctx, begin, 500*time.Millisecond)
		require.NoError(t, err)
		require.InDelta(t, 0.354, desk.Loudest(begin), 0.05, name)
		require.Greater(t, silent.Sub(begin), 380*time.Millisecond, "all of %s was heard", name)
	}
}

func TestMissingOutputFallsBackAndSaysSo(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Sound: true})
	desk := record(t, d, desktoptest.Desk)
	p, events := newPlayer(t)
	begin := time.Now()
	p.Play(Tone{Name: "knock", Volume: 1, Output: "unplugged"})
	require.ErrorIs(t, await(t, events, Trouble).Err, ErrNoOutput)
	_, err := desk.AwaitSound(testdesk.Context(t), begin)
	require.NoError(t, err)
	await(t, events, Ended)
}

func TestBrokenFileFallsBackToTheBuiltInTone(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Sound: true})
	desk := record(t, d, desktoptest.Desk)
	p, events := newPlayer(t)
	path := filepath.Join(t.TempDir(), "broken.ogg")
	require.NoError(t, os.WriteFile(path, []byte("OggS and then nothing of use"), 0o600))
	begin := time.Now()
	p.Play(Tone{Name: "vip", Path: path, Volume: 1, Loop: true})
	require.ErrorIs(t, await(t, events, Trouble).Err, ErrBadFile)
	_, err := desk.AwaitSound(testdesk.Context(t), begin)
	require.NoError(t, err)
}

func TestSoundServerGoneAndBack(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	p, events := newPlayer(t)

	_, err := p.Outputs(ctx)
	require.ErrorIs(t, err, ErrNoSound)
	p.Play(Tone{Name: "external", Volume: 1})
	require.ErrorIs(t, await(t, events, Trouble).Err, ErrNoSound)
	await(t, events, Ended)

	id := p.Play(Tone{Name: "external", Volume: 1, Loop: true})
	require.ErrorIs(t, await(t, events, Trouble).Err, ErrNoSound)
	require.NoError(t, d.StartPiece(ctx, desktoptest.Sound))
	await(t, events, Started)

	d.StopPiece(desktoptest.Sound)
	require.ErrorIs(t, await(t, events, Trouble).Err, ErrNoSound)
	require.NoError(t, d.StartPiece(ctx, desktoptest.Sound))
	await(t, events, Started)
	desk := record(t, d, desktoptest.Desk)
	_, err = desk.AwaitSound(ctx, time.Now())
	require.NoError(t, err)
	p.Stop(id)
	await(t, events, Ended)
}

func TestNothingIsLeftAfterATone(t *testing.T) {
	testdesk.Start(t, desktoptest.Options{Sound: true})
	p, events := newPlayer(t)
	once := func() {
		id := p.Play(Tone{Name: "external", Volume: 0.1, Loop: true})
		await(t, events, Started)
		p.Stop(id)
		await(t, events, Ended)
	}
	once()
	goroutines, before := runtime.NumGoroutine(), threads(t)
	for range 10 {
		once()
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	require.LessOrEqual(t, threads(t), before+2, "no thread of the sound library stays")
	p.Close()
	p.Play(Tone{Name: "knock"})
	require.Empty(t, events, "a closed player stays silent")
}
