package server

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// doors slows down whoever tries tokens or invitations: each address may be wrong a few times, then has to wait.
type doors struct {
	mu    sync.Mutex
	tries map[netip.Prefix]*tries
	now   func() time.Time
}

type tries struct {
	left float64
	last time.Time
}

const (
	wrongAtOnce   = 10               // wrong tries an address may make at once
	wrongInterval = 10 * time.Second // and then one in this time
	maxAddresses  = 100_000
)

func (d *doors) init() { d.tries, d.now = map[netip.Prefix]*tries{}, time.Now }

// address is who counts as one: an IPv4 address, or the /64 that an IPv6 host can choose from freely.
func address(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	if a = a.Unmap().WithZone(""); a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// open reports whether the address may try; if not, wait says when it may again.
func (d *doors) open(a netip.Prefix) (wait time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tries[a]
	if t == nil {
		return 0, true
	}
	d.refill(t)
	if t.left >= 1 {
		return 0, true
	}
	return time.Duration((1 - t.left) * float64(wrongInterval)), false
}

// wrong counts a wrong try.
func (d *doors) wrong(a netip.Prefix) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tries[a]
	if t == nil {
		if len(d.tries) >= maxAddresses {
			d.forget()
		}
		t = &tries{left: wrongAtOnce, last: d.now()}
		d.tries[a] = t
	}
	d.refill(t)
	t.left = max(t.left-1, 0)
}

func (d *doors) refill(t *tries) {
	now := d.now()
	t.left = min(wrongAtOnce, t.left+float64(now.Sub(t.last))/float64(wrongInterval))
	t.last = now
}

// forget drops addresses that have all their tries again; if none has, all.
func (d *doors) forget() {
	for a, t := range d.tries {
		if d.refill(t); t.left >= wrongAtOnce {
			delete(d.tries, a)
		}
	}
	if len(d.tries) >= maxAddresses {
		clear(d.tries)
	}
}
