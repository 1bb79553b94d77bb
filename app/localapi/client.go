package localapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// Client talks to the running tray over one connection. It belongs to one goroutine.
type Client struct {
	conn net.Conn
	r    *bufio.Reader
	id   int
}

// Dial connects to the tray at an address of Address. ErrNotRunning means that there is none.
func Dial(ctx context.Context, address string) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	return &Client{conn: conn, r: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Ask asks for something and waits for the answer.
func (c *Client) Ask(ctx context.Context, a view.Ask) (view.Answer, error) {
	var answer view.Answer
	return answer, c.call(ctx, a.Verb, a, &answer)
}

// View gives the state as it is now.
func (c *Client) View(ctx context.Context) (view.State, error) {
	var s view.State
	return s, c.call(ctx, MethodView, struct{}{}, &s)
}

// Hello gives the tray's version.
func (c *Client) Hello(ctx context.Context, version string) (Hello, error) {
	var h Hello
	return h, c.call(ctx, MethodHello, Hello{Version: version}, &h)
}

// Follow calls f with each new state until f says no, ctx ends or the tray ends; the last is an error. The connection can
// be used for nothing else afterwards.
func (c *Client) Follow(ctx context.Context, f func(view.State) bool) error {
	if err := c.call(ctx, MethodFollow, struct{}{}, &struct{}{}); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { closeQuietly(c.conn) })
	defer stop()
	for {
		m, err := c.read()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		var s view.State
		if err := json.Unmarshal(m.Params, &s); err != nil {
			return fmt.Errorf("state makes no sense: %w", err)
		}
		if !f(s) {
			return nil
		}
	}
}

func (c *Client) call(ctx context.Context, method string, params, result any) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(askLimit + writeLimit)
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	data, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	c.id++
	id := json.RawMessage(fmt.Sprint(c.id))
	if err := writeLine(c.conn, wire.Message{ID: id, Method: method, Params: data}); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	m, err := c.read()
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", method, err)
	case m.Error != nil:
		return fmt.Errorf("%s: %w", method, m.Error)
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("%s: answer makes no sense: %w", method, err)
	}
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

func (c *Client) read() (wire.Message, error) {
	var m wire.Message
	line, err := readLine(c.r, maxAnswer)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return m, fmt.Errorf("not JSON: %w", err)
	}
	return m, nil
}
