package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"deskbell/app/desk"
	"deskbell/app/machine/browser"
	"deskbell/app/machine/notice"
	"deskbell/app/machine/sound"
)

// showLimit bounds how long the desktop may take to show a notice.
const showLimit = 5 * time.Second

// notices is desk.Notices on the desktop's notifications.
type notices struct {
	n    *notice.Notifier
	icon string
}

func (r *resident) openNotices() notices {
	icon, err := r.home.Icon()
	if err != nil {
		r.log.Warn("notifications have no icon of our own", "error", err)
		icon = notice.AppID // an installed icon theme may have it
	}
	return notices{r.notifier, icon}
}

// Show implements desk.Notices.
func (a notices) Show(n desk.Notice) error {
	ctx, cancel := context.WithTimeout(context.Background(), showLimit)
	defer cancel()
	out := notice.Notice{Key: n.Key, Title: n.Title, Body: n.Body, Icon: a.icon}
	for _, b := range n.Buttons {
		out.Actions = append(out.Actions, notice.Action{ID: b.ID, Label: b.Label})
	}
	switch n.Urgency {
	case desk.Ringing:
		out.Urgency, out.Silent, out.Transient = notice.Critical, true, true
	case desk.Quiet:
		out.Urgency, out.Silent = notice.Low, true
	case desk.Normal:
	}
	if n.Stay {
		out.Expire = -1
	}
	return a.n.Show(ctx, out)
}

// Close implements desk.Notices.
func (a notices) Close(key string) error {
	ctx, cancel := context.WithTimeout(context.Background(), showLimit)
	defer cancel()
	return a.n.Close(ctx, key)
}

// tones is desk.Tones on the sound player: one tone at a time.
type tones struct {
	player *sound.Player
	post   func(desk.Message)

	mu      sync.Mutex
	now     sound.ID
	trouble string // what is wrong with the tone that plays
}

func (r *resident) openTones() *tones {
	t := &tones{post: func(m desk.Message) { r.loop.Post(m) }}
	t.player = sound.New(r.log, t.event)
	return t
}

// Play implements desk.Tones.
func (t *tones) Play(tone desk.Tone) {
	path := tone.File
	if path != "" && !filepath.IsAbs(path) {
		path = "" // relative to nothing a person could mean
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.player.Stop(t.now)
	t.trouble = ""
	t.now = t.player.Play(sound.Tone{
		Name: tone.Kind, Path: path, Loop: tone.Loop, Volume: float64(tone.Volume) / 100, Output: tone.Output,
	})
}

// Stop implements desk.Tones.
func (t *tones) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.player.Stop(t.now)
	t.now = 0
}

// event tells the desk how the present tone goes. A tone that could not be heard and then started is heard.
func (t *tones) event(e sound.Event) {
	t.mu.Lock()
	if e.Tone < t.now || e.Kind == sound.Ended {
		t.mu.Unlock()
		return
	}
	switch {
	case e.Kind == sound.Started && t.trouble == "sound":
		t.trouble = ""
	case e.Kind == sound.Trouble:
		t.trouble = toneTrouble(e.Err)
	}
	trouble := t.trouble
	t.mu.Unlock()
	t.post(desk.TonePlayed{Err: trouble})
}

func toneTrouble(err error) string {
	switch {
	case errors.Is(err, sound.ErrBadFile):
		return "tone_file"
	case errors.Is(err, sound.ErrNoOutput):
		return "output"
	}
	return "sound"
}

// pages is desk.Pages on the user's browser.
type pages struct{}

// Open implements desk.Pages.
func (pages) Open(ctx context.Context, url string, schemes []string) error {
	err := browser.Open(ctx, url, schemes)
	if errors.Is(err, browser.ErrScheme) || errors.Is(err, browser.ErrURL) {
		return errors.Join(desk.ErrScheme, err)
	}
	return err
}
