package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"deskbell/app/lab/seat"
)

// part is one step of the story.
type part struct {
	name, title string
	needs       []string
	play        func(context.Context, *scene) error
}

// story is the day at Anna's desk, in order.
var story = []part{
	{"a", "A known caller rings, is answered at the phone, and her page opens once", []string{LinkToast, LinkSound, LinkPop}, knownCaller},
	{"b", "An unknown caller is missed and called back from the notification", []string{LinkToast, LinkSound, LinkDial}, missedCaller},
	{"c", "A colleague calls: another tone, and nothing opens", []string{LinkToast, LinkSound}, colleague},
	{"d1", "A telephone link asks, dials, and is ended while it still rings", []string{LinkToast, LinkLink, LinkDial}, dialledByLink},
	{"d2", "After the answer a dialled call cannot be ended from here, and Deskbell says why", []string{LinkDial}, dialledAndAnswered},
	{"e", "The server is killed and restarted during a call: one page, no ghost, the list has it", []string{LinkPop, LinkRecover}, serverKilled},
}

// runLimit bounds a whole run; one in which everything is missed takes a minute.
const runLimit = 4 * time.Minute

// perform plays the whole story on a virtual desktop and judges it.
func perform(ctx context.Context, o Options) (Timeline, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	line := Timeline{Break: o.Break}
	fmt.Fprintf(o.Say, "No display: the story is played on a virtual desktop. Pictures and %s go to %s.\n", timelineFile, o.Out)
	t, err := openTheatre(ctx, o)
	if err != nil {
		return line, err
	}
	for _, p := range story {
		var step Step
		step, err = t.step(ctx, p)
		line.Steps = append(line.Steps, step)
		tell(o.Say, step)
		if err != nil {
			break
		}
	}
	line.judge()
	return line, errors.Join(err, line.write(o.path(timelineFile)), t.close())
}

// step plays one part. Its error is only that of a run that was broken off: what a step did not show is in its evidence.
func (t *theatre) step(ctx context.Context, p part) (Step, error) {
	s := &scene{
		theatre: t, began: time.Now(), mark: t.house.stage.Lab.Log.Last(), entries: t.seat.Snapshot().Entries,
		step: &Step{Step: p.name, Title: p.title, Started: time.Now(), Needs: p.needs, Evidence: []Evidence{}},
	}
	if err := p.play(ctx, s); err != nil && !errors.Is(err, errStop) {
		s.saw("the step can be played", "this program", false, "%v", err)
	}
	if s.step.Picture == "" {
		s.picture(ctx, "end")
	}
	s.quiet(ctx)
	s.step.Ended = time.Now()
	s.step.judge()
	return *s.step, ctx.Err()
}

// quiet ends what still runs, so that one step's trouble is not the next one's.
func (s *scene) quiet(ctx context.Context) {
	for _, extension := range []string{agentPhone, "102"} {
		var over error
		for over == nil { // until nothing is left to hang up
			over = s.house.stage.Lab.Phones.HangUp(extension)
		}
	}
	if _, err := s.seen(ctx, func(st seat.State) bool { return st.Connected && len(st.Calls) == 0 }); err != nil {
		s.opts.Logger.Warn("calls are left over", "step", s.step.Step, "error", err)
	}
	s.dismiss(ctx)
}

// tell prints a step for people.
func tell(w io.Writer, s Step) {
	mark := "ok    "
	if !s.OK {
		mark = "FAILED"
	}
	fmt.Fprintf(w, "%s %-2s %s (%.1f s, %s)\n", mark, s.Step, s.Title, s.Ended.Sub(s.Started).Seconds(), s.Picture)
	for _, e := range s.Evidence {
		if !e.OK {
			fmt.Fprintf(w, "          not seen: %s; %s: %s\n", e.What, e.Source, e.Value)
		}
	}
}
