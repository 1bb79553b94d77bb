//go:build desktop && linux

package desktop

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// caller is somebody outside.
func caller(number string) nfon.Caller { return nfon.Caller{Number: number} }

// event waits for an event of a call at the telephone system.
func (b *bench) event(uuid, state string) {
	b.t.Helper()
	_, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(e nfon.EventFact) bool {
		return e.UUID == uuid && e.State == state
	})
	require.NoError(b.t, err, state)
}

// apiCall waits for a call asked for by program.
func (b *bench) apiCall() nfon.APICall {
	b.t.Helper()
	made, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(nfon.APICall) bool { return true })
	require.NoError(b.t, err, "no call was asked for")
	return made
}

// cancelled waits for the answer to a wish to end a call.
func (b *bench) cancelled(uuid string) int {
	b.t.Helper()
	r, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(r nfon.Request) bool {
		return r.Endpoint == "cancel" && strings.HasSuffix(r.Path, uuid)
	})
	require.NoError(b.t, err, "nobody asked to end the call")
	return r.Status
}

// count counts the lab's facts of a type since the last next.
func count[T any](b *bench, fits func(T) bool) int {
	n := 0
	for _, e := range b.stage.Lab.Log.Since(b.mark) {
		if v, ok := e.Data.(T); ok && fits(v) {
			n++
		}
	}
	return n
}

// dialled counts the calls asked for by program.
func (b *bench) dialled() int { return count(b, func(nfon.APICall) bool { return true }) }

// page waits until a customer's page was fetched.
func (b *bench) page(contact string) crm.Access {
	b.t.Helper()
	a, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(a crm.Access) bool {
		return a.Endpoint == crm.Page && a.Contact == contact
	})
	require.NoError(b.t, err, "page %s was not opened", contact)
	return a
}

// pages counts the fetches of customers' pages.
func (b *bench) pages() int {
	return count(b, func(a crm.Access) bool { return a.Endpoint == crm.Page && a.Contact != "" })
}

// ring has somebody call the agent.
func (b *bench) ring(number string) string {
	b.t.Helper()
	uuid, err := b.lab().RingInbound(nfon.Caller{Number: number}, "101")
	require.NoError(b.t, err)
	return uuid
}

// announced waits for the first toast of a call.
func (b *bench) announced() desktoptest.NoticeCall {
	b.t.Helper()
	return b.toast("an announcement", func(n desktoptest.NoticeCall) bool {
		return strings.Contains(n.Body, "Answer on your phone") && n.Replaces == 0
	})
}

// settingsFile is what the agent's settings file says now.
func (b *bench) settingsFile() string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.home, "settings.toml"))
	require.NoError(b.t, err)
	return string(text)
}
