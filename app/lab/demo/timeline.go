package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// Evidence is one fact about a step, seen from outside the tray.
type Evidence struct {
	What   string `json:"what"`   // what should be
	Source string `json:"source"` // who saw it
	Value  string `json:"value"`  // what was seen
	OK     bool   `json:"ok"`
}

// Step is one part of the story. It is as it should be when all its evidence is, and there is some.
type Step struct {
	Step     string     `json:"step"`
	Title    string     `json:"title"`
	Started  time.Time  `json:"started"`
	Ended    time.Time  `json:"ended"`
	OK       bool       `json:"ok"`
	Needs    []string   `json:"needs"` // the links without which it cannot be as it should be
	Evidence []Evidence `json:"evidence"`
	Picture  string     `json:"picture"`            // at the telling moment; a file beside the timeline
	Pictures []string   `json:"pictures,omitempty"` // further ones
}

// Timeline is a whole run.
type Timeline struct {
	Break string `json:"break,omitempty"` // the link that was broken on purpose
	OK    bool   `json:"ok"`
	Steps []Step `json:"steps"`
}

func (s *Step) judge() {
	s.OK = len(s.Evidence) > 0 && !slices.ContainsFunc(s.Evidence, func(e Evidence) bool { return !e.OK })
}

func (t *Timeline) judge() {
	t.OK = len(t.Steps) > 0 && !slices.ContainsFunc(t.Steps, func(s Step) bool { return !s.OK })
}

func (t *Timeline) write(path string) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the timeline: %w", err)
	}
	return nil
}

// ReadTimeline reads what a run left.
func ReadTimeline(path string) (Timeline, error) {
	var t Timeline
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return t, fmt.Errorf("read the timeline: %w", err)
	}
	return t, nil
}
