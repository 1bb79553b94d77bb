package demo

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAStepNeedsEvidence(t *testing.T) {
	s := Step{}
	s.judge()
	require.False(t, s.OK, "no evidence proves nothing")
	s.Evidence = []Evidence{{OK: true}}
	s.judge()
	require.True(t, s.OK)
	s.Evidence = append(s.Evidence, Evidence{OK: false})
	s.judge()
	require.False(t, s.OK)

	line := Timeline{}
	line.judge()
	require.False(t, line.OK, "a run without steps shows nothing")
	line.Steps = []Step{{OK: true}, {OK: false}}
	line.judge()
	require.False(t, line.OK)
}

func TestTimelineIsReadAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), timelineFile)
	line := Timeline{Break: LinkPop, Steps: []Step{{Step: "a", Needs: []string{LinkPop}, Evidence: []Evidence{{What: "w", Source: byCRM, Value: "v"}}, Picture: "a.png"}}}
	require.NoError(t, line.write(path))
	read, err := ReadTimeline(path)
	require.NoError(t, err)
	require.Equal(t, line, read)
	_, err = ReadTimeline(path + ".not")
	require.Error(t, err)
}

func TestOnlyLinksThatExistCanBreak(t *testing.T) {
	o := Options{Break: "everything", Programs: t.TempDir(), Out: t.TempDir()}
	require.ErrorContains(t, o.prepare(), "toast, sound, pop, dial, link, recover")
	o.Break = ""
	require.ErrorContains(t, o.prepare(), "make build")
}
