package demo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"deskbell/app/machine/desktoptest"
)

var errNoButton = errors.New("the notification has no such button")

// buttonRow is how many pixels above a toast's lower edge a line crosses all buttons, above their labels.
const buttonRow = 40

// press presses a button of a toast with the mouse, as a person would, and waits for the news of it on the bus.
func (s *scene) press(ctx context.Context, toast desktoptest.NoticeCall, button string) error {
	place := action(toast, button)
	if place < 0 {
		return fmt.Errorf("%w: %s", errNoButton, button)
	}
	window, at, err := s.toastPlace(ctx)
	if err != nil {
		return err
	}
	var buttons []span
	limit, cancel := limited(ctx)
	defer cancel()
	err = until(limit, nil, func() error { // drawn a moment after it appeared
		buttons, err = s.buttons(limit, window, at, len(toast.Actions)/2)
		return err
	})
	if err != nil {
		return err
	}
	x, y := at["X"]+(buttons[place].from+buttons[place].to)/2, at["Y"]+at["HEIGHT"]-buttonRow
	if _, err := s.desk.Run(ctx, "xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y), "sleep", "0.2", "click", "1"); err != nil {
		return err
	}
	if _, err := s.signal(ctx, "ActionInvoked", toast.ID); err != nil {
		return err
	}
	// Out of the way, so that no later toast appears under the pointer and stays for it.
	_, err = s.desk.Run(ctx, "xdotool", "mousemove", "400", "740")
	return err
}

// toastPlace finds the only toast on screen.
func (s *scene) toastPlace(ctx context.Context) (window string, at map[string]int, err error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	at = map[string]int{}
	err = until(ctx, nil, func() error {
		found, err := s.desk.Run(ctx, "xdotool", "search", "--onlyvisible", "--class", "notifyd")
		if err != nil {
			return err
		}
		if ids := strings.Fields(found); len(ids) != 1 {
			return fmt.Errorf("%d notifications are on screen", len(ids))
		}
		window = strings.TrimSpace(found)
		shell, err := s.desk.Run(ctx, "xdotool", "getwindowgeometry", "--shell", window)
		if err != nil {
			return err
		}
		for line := range strings.Lines(shell) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if at[name], err = strconv.Atoi(value); err != nil {
				return fmt.Errorf("place of the notification: %w", err)
			}
		}
		return nil
	})
	return window, at, err
}

// span is a run of pixels in a row.
type span struct{ from, to int }

// A pixel in ImageMagick's text form, of the first row and of any: column and grey.
var (
	pixel    = regexp.MustCompile(`^(\d+),0: \((\d+)`)
	anyPixel = regexp.MustCompile(`^(\d+),\d+: \((\d+)`)
)

// buttons finds the n buttons at the right of a toast by their edges, which are darker than what is left and right of them.
func (s *scene) buttons(ctx context.Context, window string, at map[string]int, n int) ([]span, error) {
	crop := fmt.Sprintf("%dx1+0+%d", at["WIDTH"], at["HEIGHT"]-buttonRow)
	row, err := s.desk.Run(ctx, "import", "-window", window, "-crop", crop, "+repage", "-depth", "8", "-colorspace", "Gray", "txt:-")
	if err != nil {
		return nil, err
	}
	var edges []int
	for line := range strings.Lines(row) {
		m := pixel.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		x, _ := strconv.Atoi(m[1]) // the pattern lets only digits through
		grey, _ := strconv.Atoi(m[2])
		if grey < edgeGrey && x > 1 && x < at["WIDTH"]-2 {
			edges = append(edges, x)
		}
	}
	if len(edges) < 2*n {
		return nil, fmt.Errorf("%w: %d edges of buttons are to be seen, not %d", errNoButton, len(edges), 2*n)
	}
	edges = edges[len(edges)-2*n:]
	var found []span
	for i := 0; i < len(edges); i += 2 {
		found = append(found, span{edges[i], edges[i+1]})
	}
	return found, nil
}

// edgeGrey is darker than a light toast and its buttons' faces, and lighter than their edges.
const edgeGrey = 225
