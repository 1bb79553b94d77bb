package nfon

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"deskbell/app/pbx"
)

// firstEventSlack is how much longer than the own phone rings a first event may take.
const firstEventSlack = 10 * time.Second

var (
	dialable = regexp.MustCompile(`^[0-9*#]{1,32}$`)
	feature  = regexp.MustCompile(`[*#]`)
)

// callBody makes the request's body. "global" wants E.164 digits without "+"; without it NFON dials an extension, even for
// 112, so public service codes go out as global and only feature codes stay inside.
func (c *connector) callBody(r pbx.MakeCallRequest) (makeCall, error) {
	body := makeCall{
		Caller: string(r.Device), CallerContext: c.config.Account,
		Extension: string(r.Device), Timeout: c.promptSeconds(r.Prompt),
	}
	to := r.To
	switch {
	case to.E164 != "" && to.Internal == "" && to.Service == "" && to.E164.Valid():
		body.Callee, body.CalleeContext = to.E164.Digits(), contextGlobal
	case to.E164 == "" && to.Internal != "" && to.Service == "":
		body.Callee, body.CalleeContext = to.Internal, c.config.Account
	case to.E164 == "" && to.Internal == "" && to.Service != "":
		body.Callee, body.CalleeContext = to.Service, contextGlobal
		if feature.MatchString(to.Service) {
			body.CalleeContext = c.config.Account
		}
	}
	if !dialable.MatchString(body.Callee) {
		return body, fmt.Errorf("%w: nothing that can be dialled", pbx.ErrDestination)
	}
	if !dialable.MatchString(body.Caller) {
		return body, fmt.Errorf("%w: the device is no extension", pbx.ErrRefused)
	}
	return body, nil
}

// promptSeconds: NFON takes whole seconds up to 120.
func (c *connector) promptSeconds(prompt time.Duration) int {
	if prompt <= 0 {
		return c.config.PromptSeconds
	}
	return min(int((prompt+time.Second-1)/time.Second), maxPrompt)
}

// makeCallError is commandError, but a 400 is about the number, and a gateway's or the server's own failure leaves open
// whether a phone will ring.
func makeCallError(err error) error {
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusBadRequest {
		return errors.Join(pbx.ErrDestination, err)
	}
	return commandError(err)
}

// readReply reads the one object of the reply: JSON as asked for, or framed as an event, with or without an end of event.
// It does not wait for the end of the body, which may be a stream that lasts as long as the set-up.
func readReply(body io.Reader) (callEvent, error) {
	var e callEvent
	in := bufio.NewReader(io.LimitReader(body, limitSmall))
	for {
		line, err := in.ReadBytes('\n')
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
		if rest, framed := bytes.CutPrefix(line, []byte("data:")); framed {
			line = bytes.TrimSpace(rest)
		}
		if len(line) > 0 && (line[0] == '{' || line[0] == '[') {
			rest := io.MultiReader(bytes.NewReader(line), in)
			return firstObject(rest, line[0])
		}
		if err != nil {
			return e, errors.New("no object in the reply")
		}
	}
}

func firstObject(in io.Reader, first byte) (callEvent, error) {
	dec := json.NewDecoder(in)
	var e callEvent
	if first == '[' {
		if _, err := dec.Token(); err != nil {
			return e, jsonProblem(err)
		}
	}
	if err := dec.Decode(&e); err != nil {
		return e, jsonProblem(err)
	}
	e.UUID = text(strings.TrimSpace(string(e.UUID)))
	if e.UUID == "" || len(e.UUID) > maxID {
		return callEvent{}, errors.New("no call id in the reply")
	}
	return e, nil
}
