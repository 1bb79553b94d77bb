package nfon

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"deskbell/app/pbx"
)

// readAll lists what a reader finds: payloads, ":" for comments, "!" for what was too long.
func readAll(r io.Reader) ([]string, error) {
	in := newEventReader(r)
	var out []string
	for {
		n, err := in.next()
		switch {
		case err != nil:
			return out, err
		case n.comment:
			out = append(out, ":")
		case n.tooLong:
			out = append(out, "!")
		default:
			out = append(out, string(n.data))
		}
	}
}

func TestEventReader(t *testing.T) {
	full := strings.Repeat("x", maxEvent)
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"lf, crlf, cr":            {"data: a\n\ndata: b\r\n\r\ndata: c\r\r", []string{"a", "b", "c"}},
		"one blank is dropped":    {"data:a\n\ndata:  b\n\n", []string{"a", " b"}},
		"several lines":           {"data: a\ndata:\ndata: b\n\n", []string{"a\n\nb"}},
		"empty data":              {"data\n\ndata:\n\n", []string{"", ""}},
		"comments":                {":\n: ping\n\ndata: a\n:x\ndata: b\n\n", []string{":", ":", ":", "a\nb"}},
		"other fields":            {"event: x\nid: 1\nretry: 5\ndatum: q\n\nevent: x\ndata: a\n\n", []string{"a"}},
		"half an event at an end": {"data: a\n\ndata: b\n", []string{"a"}},
		"mark at start":           {"\ufeffdata: a\n\n\ufeffdata: b\n\n", []string{"a"}},
		"one MiB":                 {"data: " + full + "\n\ndata: a\n\n", []string{full, "a"}},
		"more than that":          {"data: " + full + "yyyyyyyyyyyyyyyyyyyyyy\n\ndata: a\n\n", []string{"!", "a"}},
		"more in several lines":   {"data: " + full + "\ndata: " + full + "\ndata: b\n\ndata: a\n\n", []string{"!", "a"}},
		"a long comment":          {":" + full + full + "\ndata: a\n\n", []string{":", "a"}},
		"a long other field":      {"id:" + full + full + "\ndata: a\n\n", []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(c.in), iotest.HalfReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
				got, err := readAll(in)
				require.ErrorIs(t, err, io.EOF)
				require.Equal(t, c.want, got)
			}
		})
	}
}

// endless repeats a byte.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("x"), len(p)))
	return len(p), nil
}

func TestALineWithoutAnEndEndsTheStreamAndNotOurMemory(t *testing.T) {
	in := newEventReader(io.MultiReader(strings.NewReader("data: "), endless{}))
	_, err := in.next()
	require.ErrorIs(t, err, errEndlessLine)
	require.LessOrEqual(t, cap(in.line), 4*maxEvent)
}

func FuzzEventReader(f *testing.F) {
	for _, seed := range []string{
		"data: {\"uuid\":\"a\"}\n\n", "data:a\r\ndata:b\r\n\r\n", ": ping\n\n", "\ufeffdata: a\n\n", "event: x\nid: 1\ndata\n\n", "data: a", "\r\r\n\n:\r", "data: a\n\n\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, err := readAll(bytes.NewReader(data))
		require.ErrorIs(t, err, io.EOF)
		bitwise, _ := readAll(iotest.OneByteReader(bytes.NewReader(data)))
		require.Equal(t, whole, bitwise, "how it is cut up does not matter")

		// What was read, written again, reads the same; and whatever came before, the next event is found.
		var again strings.Builder
		for _, s := range whole {
			if s == ":" {
				continue
			}
			for line := range strings.SplitSeq(s, "\n") {
				again.WriteString("data: " + line + "\n")
			}
			again.WriteString("\n")
		}
		second, _ := readAll(strings.NewReader(again.String()))
		require.Equal(t, payloads(whole), second)
		next, _ := readAll(io.MultiReader(bytes.NewReader(data), strings.NewReader("\n\n\ndata: next\n\n")))
		require.Equal(t, "next", next[len(next)-1])
	})
}

func payloads(list []string) []string {
	var out []string
	for _, s := range list {
		if s != ":" {
			out = append(out, s)
		}
	}
	return out
}

func FuzzCallEvent(f *testing.F) {
	for _, seed := range []string{
		ev(u1, "101 < ring"), ev(u2, "101 > caller-ring t=1"), "[" + ev(u1, "101 < hangup error=busy") + "]", `{"uuid":1,"state":null,"extension":[]}`,
		`{}`, `null`, `[{}]`, `{"uuid":"a","state":"ring","extension":"101"}{"uuid":"b"`, `{"updated":"2026-02-03T09:15:22:00+01:00"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &sink{}
		d := newDesk(&connector{config: Config{Account: "K4711"}, attempts: newAttempts(), auth: &passwordAuth{}}, s)
		d.names["101"] = "Front desk"
		list, err := decodeEvent[callEvent](data)
		for _, e := range list {
			if err := d.t.handle(e); err != nil {
				var skip *skipError
				require.ErrorAs(t, err, &skip)
			}
		}
		if err != nil {
			require.NotContains(t, err.Error(), "4989555010", "errors do not repeat what was sent")
		}
		for _, m := range told[pbx.LegChanged](s.list) {
			require.NotEmpty(t, m.Leg.Key.Call)
			require.LessOrEqual(t, len(m.Leg.Key.Call), maxID)
			require.NotEmpty(t, m.Leg.Key.Device)
			require.True(t, m.Leg.State.Known())
			require.LessOrEqual(t, len(m.Leg.Far.Number), maxField)
			require.Equal(t, m.Leg.Key.Call, m.Leg.Linkage[0])
		}
	})
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{`{"uuid":"a"}`, "data: {\"uuid\":\"a\"}\n\n", "[{\"uuid\":\"a\"}]", ": ping\n\nevent: x\ndata:{\"uuid\":\"a\"", "{", "data:"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := readReply(bytes.NewReader(data))
		require.Equal(t, err == nil, e.UUID != "")
		require.LessOrEqual(t, len(e.UUID), maxID)
		_, err = readReply(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(data))))
		require.False(t, errors.Is(err, io.EOF))
	})
}
