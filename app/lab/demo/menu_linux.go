package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// pictureOfMenu opens the tray menu with the mouse, unfolds its first running call, and takes a picture.
func (s *scene) pictureOfMenu(ctx context.Context, name string) {
	if err := s.openMenu(ctx); err != nil {
		s.opts.Logger.Warn("the menu could not be opened", "error", err)
	}
	s.picture(ctx, name)
	if _, err := s.desk.Run(ctx, "xdotool", "key", "Escape", "key", "Escape"); err != nil {
		s.opts.Logger.Warn("the menu could not be closed", "error", err)
	}
}

func (s *scene) openMenu(ctx context.Context) error {
	x, err := s.iconPlace(ctx)
	if err != nil {
		return err
	}
	before := s.popups(ctx)
	if _, err := s.desk.Run(ctx, "xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(panelTop+panelHeight/2), "sleep", "0.1", "click", "3"); err != nil {
		return err
	}
	for i, keys := range [][]string{nil, {"key", "Down", "key", "Right"}} {
		if keys != nil {
			if _, err := s.desk.Run(ctx, "xdotool", keys...); err != nil {
				return err
			}
		}
		if err := s.awaitPopups(ctx, before+1+i); err != nil {
			return err
		}
	}
	return nil
}

// popups counts the windows of the panel's tray, which runs in a program of its own: the tray and its menus.
func (s *scene) popups(ctx context.Context) int {
	out, err := s.desk.Run(ctx, "xdotool", "search", "--onlyvisible", "--class", "wrapper")
	if err != nil {
		return 0
	}
	return len(strings.Fields(out))
}

func (s *scene) awaitPopups(ctx context.Context, n int) error {
	ctx, cancel := limited(ctx)
	defer cancel()
	return until(ctx, nil, func() error {
		if have := s.popups(ctx); have < n {
			return fmt.Errorf("%d windows of the panel, not %d", have, n)
		}
		return nil
	})
}

// Where the panel of the virtual desktop lies.
const (
	panelTop    = 770
	panelHeight = 30
	panelWidth  = 1280
	clockGap    = 5 // pixels between the clock and the icon left of it, at least
)

var errNoIconSeen = errors.New("no icon is to be seen beside the clock")

// iconPlace finds the middle of our icon: what is left of the clock, which ends the panel.
func (s *scene) iconPlace(ctx context.Context) (int, error) {
	crop := fmt.Sprintf("400x%d+%d+%d", panelHeight, panelWidth-400, panelTop)
	rows, err := s.desk.Run(ctx, "import", "-window", "root", "-crop", crop, "+repage", "-depth", "8", "-colorspace", "Gray", "txt:-")
	if err != nil {
		return 0, err
	}
	drawn := make([]bool, 400)
	for line := range strings.Lines(rows) {
		m := anyPixel.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		x, _ := strconv.Atoi(m[1]) // the pattern lets only digits through
		grey, _ := strconv.Atoi(m[2])
		drawn[x] = drawn[x] || grey > 90 // the panel itself is dark
	}
	groups := groupsOf(drawn, clockGap)
	if len(groups) < 2 {
		return 0, errNoIconSeen
	}
	icon := groups[len(groups)-2]
	return panelWidth - 400 + (icon.from+icon.to)/2, nil
}

// groupsOf joins drawn columns that are less than gap apart.
func groupsOf(drawn []bool, gap int) []span {
	var groups []span
	for x, yes := range drawn {
		switch n := len(groups); {
		case !yes:
		case n > 0 && x-groups[n-1].to < gap:
			groups[n-1].to = x
		default:
			groups = append(groups, span{x, x})
		}
	}
	return groups
}
