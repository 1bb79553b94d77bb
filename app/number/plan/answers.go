package plan

import (
	"sync"

	"deskbell/app/number"
)

// question is what an answer depends on besides the settings.
type question struct {
	spelling spelling
	hint     Hint
}

// answersKept bounds the memory of a plan to about a megabyte.
const answersKept = 4096

// answers remembers the last readings in two generations. The zero value is ready to use, by several goroutines.
type answers struct {
	mu         sync.Mutex
	young, old map[question]number.E164
}

func (a *answers) get(q question) (number.E164, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e, ok := a.young[q]; ok {
		return e, true
	}
	e, ok := a.old[q]
	return e, ok
}

func (a *answers) put(q question, e number.E164) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.young == nil || len(a.young) >= answersKept/2 {
		a.old, a.young = a.young, make(map[question]number.E164, answersKept/2)
	}
	a.young[q] = e
}
