package control

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/lab/script"
)

// Bounds of one state reply.
const (
	longestPoll = 20 * time.Second
	mostEntries = 200
)

// stateReply is all the page shows.
type stateReply struct {
	Seq       uint64           `json:"seq"` // ask for what comes after it
	Phones    []nfon.PhoneView `json:"phones"`
	Listening int              `json:"listening"` // open calls streams
	News      []record.Entry   `json:"news"`
}

// state answers at once when something happened after ?after=, else when it does, else after a while all the same.
func (s *server) state(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if after > s.World.Log.Last() { // the page has seen a lab that was here before
		after = 0
	} else if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), longestPoll)
		_, _ = s.World.Log.Await(ctx, after, func(record.Entry) bool { return true }) // silence is an answer, too
		cancel()
	}
	reply := stateReply{Seq: s.World.Log.Last(), News: []record.Entry{}}
	for _, e := range s.World.Log.Since(after) {
		if e.Seq <= reply.Seq && ofInterest(e) {
			reply.News = append(reply.News, e)
		}
	}
	if extra := len(reply.News) - mostEntries; extra > 0 {
		reply.News = reply.News[extra:]
	}
	reply.Phones = s.World.Phones.Phones()
	reply.Listening = s.World.Phones.StreamCount("calls")
	answer(w, http.StatusOK, reply)
}

// ofInterest picks what a person wants to read; the files have everything.
func ofInterest(e record.Entry) bool {
	switch d := e.Data.(type) {
	case nfon.CallFact, nfon.APICall, script.Said, crm.Access:
		return true
	case nfon.EventFact:
		return d.State == "answer"
	case nfon.StreamFact:
		return d.Feed == "calls"
	case nfon.Request:
		return d.Endpoint == "login" || d.Endpoint == "cancel"
	}
	return false
}

func (s *server) phones(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.World.Phones.Phones())
}

func (s *server) calls(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.World.Phones.Calls())
}

func (s *server) switches(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.World.Phones.Switches())
}

func (s *server) crmFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.World.CRM.Faults())
}
