package nfon

import (
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// end takes a terminal event: "hangup", or "end" with an error. Where a leg exists it ends; else the request has failed.
func (t *translator) end(e callEvent) {
	l := t.legs[e.key()]
	if l == nil {
		if t.failAttempt(e) {
			return
		}
		// Nothing was heard of this leg in this run. The owner may know it from before, so it is told all the same.
		l = t.open(e)
		t.learnParties(l, e)
		t.linkAttempt(l, e)
		t.linkCalls(l, e)
	}
	if l.at.stage == stageEnded && !l.inferred {
		return
	}
	t.learnParties(l, e)
	unheard := l.at.stage == stageNone
	cause := t.causeOfEnd(l, e)
	l.ended, l.inferred = e.moment(), false
	t.close(l, e.stamp(), cause, unheard)
}

// awaitsReason reports whether the "end" of the request may still say why the call failed: NFON does not say which of the
// two events carries the error.
func (t *translator) awaitsReason(e callEvent) bool {
	l := t.legs[e.key()]
	unanswered := l == nil || (l.live() && !l.talking())
	return e.Error == "" && unanswered && t.attempts.deviceOf(string(e.UUID)) == string(e.Extension)
}

func (t *translator) close(l *leg, stamp pbx.Stamp, cause csta.Cause, unheard bool) {
	l.at = step{stage: stageEnded, own: csta.Null}
	if !unheard {
		l.at.far = csta.Null
	}
	l.lastNews = stamp.Received
	l.cause = cause
	t.report(l, stamp, cause)
}

// failAttempt ends a request that never became a leg.
func (t *translator) failAttempt(e callEvent) bool {
	a, first := t.attempts.fail(e)
	if !first {
		return a != nil
	}
	t.tell(pbx.AttemptFailed{
		Command: a.command, Call: string(e.UUID), Device: csta.DeviceID(a.device),
		Cause: causes[string(e.Error)], Stamp: e.stamp(),
	})
	return true
}

// causeOfEnd: what NFON says; without a word an answered call ended as calls do, and of an unanswered one the cause is not
// known. It is a missed call all the same, which its states tell. A group call that somebody else answered was not missed.
func (t *translator) causeOfEnd(l *leg, e callEvent) csta.Cause {
	cause := causes[string(e.Error)]
	switch {
	case !l.answered.arrived.IsZero():
		if e.Error == "" {
			return csta.CauseNormalClearing
		}
		return cause
	case l.direction == csta.Incoming && (e.Error == "" || cause == csta.CauseCallCancelled) && t.answeredBefore(l) != nil:
		return csta.CauseAnsweredElsewhere
	}
	return cause
}

// answeredBefore finds another inbound leg of the same call that was answered. Outbound legs do not count: the caller's
// side of an internal call is "answered" together with the very leg in question.
func (t *translator) answeredBefore(l *leg) *leg {
	for _, other := range t.calls[l.key.Call] {
		if other != l && other.direction == csta.Incoming && !other.answered.arrived.IsZero() {
			return other
		}
	}
	return nil
}

// group closes the other legs of a group call that one leg answered. NFON sends no end for them; one that comes within the
// grace has precedence. A leg that began to ring after the answer is a transfer and rings on.
func (t *translator) group(l *leg, s step) {
	switch s.stage {
	case stageAnswered:
		for _, other := range t.calls[l.key.Call] {
			if other == l || other.direction != csta.Incoming {
				continue
			}
			if other.ringing() && !startedAfter(other.rang, l) {
				t.closeLater(other)
			}
			t.correct(other, l)
		}
	case stageRinging:
		if from := t.answeredBefore(l); from != nil && !startedAfter(l.rang, from) {
			t.closeLater(l)
		}
	case stageNone, stageAnnounced, stageSetup, stagePickedUp, stageDialled, stageEnded: // say nothing of the others
	}
}

// startedAfter reports whether ringing began after from was answered. Without NFON's times the order of arrival counts.
func startedAfter(began moment, from *leg) bool {
	if after, known := began.compare(from.answered); known {
		return after
	}
	return began.arrived.After(from.answered.arrived)
}

func (t *translator) closeLater(l *leg) {
	run := l.run
	t.later(groupGrace, func() {
		if l.run != run || !l.ringing() {
			return
		}
		now := time.Now()
		l.ended, l.inferred = moment{arrived: now}, true
		t.close(l, l.stamp(now), csta.CauseAnsweredElsewhere, false)
	})
}

// correct tells the cause of an end again, where the answer that explains it came just after.
func (t *translator) correct(other, l *leg) {
	unexplained := other.cause == csta.CauseUnknown || other.cause == csta.CauseCallCancelled
	if other.at.stage == stageEnded && other.answered.arrived.IsZero() && unexplained &&
		l.answered.arrived.Sub(other.ended.arrived) < groupGrace && other.at.far == csta.Null {
		other.cause = csta.CauseAnsweredElsewhere
		t.report(other, other.stamp(l.answered.arrived), other.cause)
	}
}

// lineIdle takes note that the owner was told of an idle line: what it held from before since has ended for it.
func (t *translator) lineIdle(device csta.DeviceID, since time.Time) {
	for _, l := range t.devices[device] {
		if l.live() && l.lastNews.Before(since) {
			l.ended, l.inferred = moment{arrived: since}, true
			l.at = step{stage: stageEnded, own: csta.Null, far: csta.Null}
			t.attempts.progress(l.key, stageEnded)
		}
	}
}

// lineBusyNow takes note that the line confirms the calls on it.
func (t *translator) lineBusyNow(device csta.DeviceID) {
	for _, l := range t.devices[device] {
		l.sawBusy = l.sawBusy || l.live()
	}
}

// doubtful reports whether a call is held that the line, idle since then, contradicts: it was busy with it before.
func (t *translator) doubtful(device csta.DeviceID, since time.Time) bool {
	for _, l := range t.devices[device] {
		if l.live() && l.sawBusy && l.lastNews.Before(since) {
			return true
		}
	}
	return false
}
