package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/server/accounts"
)

// idle is the far end of a session, as small as it can be: no goroutine, no buffers.
func idle(b testing.TB, addr, token string) net.Conn {
	conn, err := net.Dial("tcp", addr)
	require.NoError(b, err)
	const hello = `{"jsonrpc":"2.0","method":"hello","params":{"version":"x","capabilities":["pop"],"device":"bench","locale":"de-DE"}}`
	_, err = fmt.Fprintf(conn, "GET /v1/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: deskbell.v1\r\nAuthorization: Bearer %s\r\n\r\n", token)
	require.NoError(b, err)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(b, err)
	require.Equal(b, 101, resp.StatusCode)
	require.NoError(b, resp.Body.Close())
	// A masked text frame; the mask is zeros.
	_, err = conn.Write(append([]byte{0x81, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...))
	require.NoError(b, err)
	for _, method := range []string{"hello", "snapshot"} {
		require.Contains(b, frame(b, r), `"method":"`+method+`"`)
	}
	return conn
}

// frame reads one frame of the server.
func frame(b testing.TB, r *bufio.Reader) string {
	head := make([]byte, 2)
	_, err := io.ReadFull(r, head)
	require.NoError(b, err)
	n := int(head[1])
	if n == 126 {
		_, err = io.ReadFull(r, head)
		require.NoError(b, err)
		n = int(head[0])<<8 | int(head[1])
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	require.NoError(b, err)
	return string(text)
}

// memoryInUse is all memory that Go has in use: heap, stacks, and its own tables for them.
func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse + m.MSpanInuse + m.MCacheInuse
}

// BenchmarkIdleSession measures what an idle session costs the server: connection, session, user, rights and state. The far
// ends live in the same process; their part, measured alone, is taken off. Sockets' buffers inside the kernel are not counted.
func BenchmarkIdleSession(b *testing.B) {
	const n = 8000 // twice as many files are open
	s := start(b, func(p *Params) { p.Limits.Session.Ping = 10 * time.Minute })
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = s.user(fmt.Sprint("user", i), accounts.Grant{System: "munich", Device: "101", Access: accounts.Watch})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	alone := memoryInUse()
	ends := make([]net.Conn, 200)
	for i := range ends {
		ends[i], err = net.Dial("tcp", l.Addr().String())
		require.NoError(b, err)
	}
	perEnd := float64(int64(memoryInUse())-int64(alone)) / float64(len(ends))
	for _, c := range ends {
		require.NoError(b, c.Close())
	}
	require.NoError(b, l.Close())

	before := memoryInUse()
	open := make([]net.Conn, n)
	for i := range open {
		open[i] = idle(b, s.url, tokens[i])
	}
	total := float64(memoryInUse()-before) / float64(n)
	b.ReportMetric(total-max(perEnd, 0), "B/session")
	b.ReportMetric(max(perEnd, 0), "B/far-end")
	for _, c := range open {
		require.NoError(b, c.Close())
	}
}
