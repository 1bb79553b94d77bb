package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"deskbell/app/machine/desktoptest"
)

var errNoButton = errors.New("the notification has no such button")

// press presses a button of a toast with the mouse, as a person would, and waits for the news of it on the bus.
func (s *scene) press(ctx context.Context, toast desktoptest.NoticeCall, button string) error {
	place, buttons := action(toast, button), len(toast.Actions)/2
	if place < 0 {
		return fmt.Errorf("%w: %s", errNoButton, button)
	}
	at, err := s.toastPlace(ctx)
	if err != nil {
		return err
	}
	// The daemon gives every button of a toast the same width, side by side along its lower edge.
	x, y := at["X"]+at["WIDTH"]*(2*place+1)/(2*buttons), at["Y"]+at["HEIGHT"]-30
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

// toastPlace is where the only toast on screen is.
func (s *scene) toastPlace(ctx context.Context) (map[string]int, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	at := map[string]int{}
	err := until(ctx, nil, func() error {
		found, err := s.desk.Run(ctx, "xdotool", "search", "--onlyvisible", "--class", "notifyd")
		if err != nil {
			return err
		}
		if ids := strings.Fields(found); len(ids) != 1 {
			return fmt.Errorf("%d notifications are on screen", len(ids))
		}
		shell, err := s.desk.Run(ctx, "xdotool", "getwindowgeometry", "--shell", strings.TrimSpace(found))
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
	return at, err
}
