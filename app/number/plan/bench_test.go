package plan

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkNormalize(b *testing.B) {
	p := newPlan(b, munich())
	for _, raw := range []string{"089/1234567", "+49 89 1234567", "4989123456", "101"} {
		b.Run(raw, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				p.Normalize(raw, HintNone)
			}
		})
	}
	b.Run("new each time", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			p.Normalize(fmt.Sprintf("089/%07d", 2_000_000+i%7_000_000), HintNone)
		}
	})
}

func TestAnswersAreBoundedAndRight(t *testing.T) {
	p := newPlan(t, munich())
	for i := range 3 * answersKept {
		raw := fmt.Sprintf("089/%07d", 2_000_000+i)
		require.Equal(t, "+4989"+raw[4:], string(p.Normalize(raw, HintNone).E164))
	}
	require.LessOrEqual(t, len(p.answers.young)+len(p.answers.old), answersKept)
	require.Equal(t, "+4989555010,1", short(p.Normalize("4989555010 ext 1", HintGlobal)))
	require.Equal(t, "+4989555010,2", short(p.Normalize("4989555010 ext 2", HintGlobal)), "what is dialled afterwards is not remembered")
}
