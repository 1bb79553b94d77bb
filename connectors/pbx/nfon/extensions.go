package nfon

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// keepExtensions reads the list of extensions at the start and again on a timer: NFON tells no changes. A list that cannot
// be read leaves the old one in force.
func (d *desk) keepExtensions(ctx context.Context) {
	var r redial
	failing := sideTrouble{desk: d, feed: feedData}
	for ctx.Err() == nil {
		list, complete, err := d.c.fetchExtensions(ctx)
		if ctx.Err() != nil {
			return
		}
		delay := jitter(time.Duration(d.c.config.ExtensionsRefresh))
		if err != nil {
			delay = r.after(err)
			d.c.log.Warn("nfon's list of extensions cannot be read", "error", err)
		} else {
			r = redial{}
		}
		failing.note(ctx, err, delay)
		if err == nil {
			d.post(ctx, func() { d.extensions(list, complete) })
		}
		if sleep(ctx, delay, d.patience(err)) != nil {
			return
		}
	}
}

func (d *desk) extensions(list []pbx.Device, complete bool) {
	for _, device := range list {
		d.names[device.Number] = device.Name
	}
	d.sink.Tell(pbx.Devices{List: list, Complete: complete})
}

// fetchExtensions reads the list. It is complete unless an entry lacked its number: that one might be any.
func (c *connector) fetchExtensions(ctx context.Context) (list []pbx.Device, complete bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeList)
	defer cancel()
	var entries []extension
	id, err := c.api.getJSON(ctx, request{method: http.MethodGet, path: pathData, accept: typeJSON}, limitList, &entries)
	if err != nil {
		return nil, false, err
	}
	complete = true
	seen := map[text]bool{}
	for _, e := range entries {
		number := bareExtension(e.Number)
		if number == "" {
			number = bareExtension(e.UUID)
		}
		if number == "" || len(number) > maxID {
			complete = false
			c.log.Warn("nfon's list has an extension without a number", "request_id", id)
			continue
		}
		if !seen[number] {
			seen[number] = true
			list = append(list, pbx.Device{ID: csta.DeviceID(number), Number: string(number), Name: cut(strings.TrimSpace(string(e.Name)), maxName)})
		}
	}
	if len(list) == 0 {
		// A system without extensions has no use for us; an empty answer would take every telephone away.
		return nil, false, &protocolError{op: pathData, id: id, err: errors.New("the list is empty")}
	}
	return list, complete, nil
}
