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

// pictureOf takes a picture when a toast has been drawn, which is a moment after the daemon took it.
func (s *scene) pictureOf(ctx context.Context, toast desktoptest.NoticeCall, name string) {
	if _, _, err := s.drawn(ctx, toast); err != nil {
		s.opts.Logger.Warn("the notification is not to be seen", "picture", name, "error", err)
	}
	s.picture(ctx, name)
}

// drawn waits until a toast, the only one on screen, has been drawn, and gives its place and buttons.
func (s *scene) drawn(ctx context.Context, toast desktoptest.NoticeCall) (at map[string]int, buttons []span, err error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	err = until(ctx, nil, func() error {
		var window string
		if window, at, err = s.toastPlace(ctx); err != nil {
			return err
		}
		buttons, err = s.buttons(ctx, window, at, len(toast.Actions)/2)
		return err
	})
	return at, buttons, err
}

// press presses a button of a toast with the mouse, as a person would, and waits for the news of it on the bus.
func (s *scene) press(ctx context.Context, toast desktoptest.NoticeCall, button string) error {
	place := action(toast, button)
	if place < 0 {
		return fmt.Errorf("%w: %s", errNoButton, button)
	}
	at, buttons, err := s.drawn(ctx, toast)
	if err != nil {
		return err
	}
	x, y := at["X"]+(buttons[place].from+buttons[place].to)/2, at["Y"]+at["HEIGHT"]-buttonRow
	if err := s.click(ctx, x, y); err != nil {
		return err
	}
	_, err = s.signal(ctx, "ActionInvoked", toast.ID)
	return err
}

// toastPlace finds the only toast on screen.
func (s *scene) toastPlace(ctx context.Context) (window string, at map[string]int, err error) {
	windows := s.toastWindows(ctx)
	if len(windows) != 1 {
		return "", nil, fmt.Errorf("%d notifications are on screen", len(windows))
	}
	at, err = s.placeOf(ctx, windows[0])
	return windows[0], at, err
}

// toastWindows are the windows of all toasts on screen.
func (s *scene) toastWindows(ctx context.Context) []string {
	found, err := s.desk.Run(ctx, "xdotool", "search", "--onlyvisible", "--class", "notifyd")
	if err != nil {
		return nil // it ends so when nothing is found
	}
	return strings.Fields(found)
}

func (s *scene) placeOf(ctx context.Context, window string) (map[string]int, error) {
	shell, err := s.desk.Run(ctx, "xdotool", "getwindowgeometry", "--shell", window)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for line := range strings.Lines(shell) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if at[name], err = strconv.Atoi(value); err != nil {
			return nil, fmt.Errorf("place of the notification: %w", err)
		}
	}
	return at, nil
}

// dismiss clicks away what is left on screen, as a person would, so that the next step begins with a clear desk.
func (s *scene) dismiss(ctx context.Context) {
	ctx, cancel := limited(ctx)
	defer cancel()
	err := until(ctx, nil, func() error {
		windows := s.toastWindows(ctx)
		if len(windows) == 0 {
			return nil
		}
		if at, err := s.placeOf(ctx, windows[0]); err == nil { // else it went by itself
			if err := s.click(ctx, at["X"]+10, at["Y"]+10); err != nil {
				return err
			}
		}
		return fmt.Errorf("%d notifications are on screen", len(windows))
	})
	if err != nil {
		s.opts.Logger.Warn("notifications are left over", "error", err)
	}
}

// click clicks somewhere and takes the pointer out of the way, so that no later toast appears under it and stays for it.
func (s *scene) click(ctx context.Context, x, y int) error {
	_, err := s.desk.Run(ctx, "xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y), "sleep", "0.2", "click", "1",
		"sleep", "0.1", "mousemove", "400", "740")
	return err
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
