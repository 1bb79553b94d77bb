package contact

import (
	"encoding/binary"
	"slices"
	"strconv"

	"deskbell/app/number"
)

// arena holds contacts as bytes in one block without pointers: a million contacts cost the garbage collector nothing,
// and about half of what structs would take.
type arena struct {
	bytes  []byte
	starts []uint64
}

func (a *arena) add(c Contact) uint32 {
	a.starts = append(a.starts, uint64(len(a.bytes)))
	b := a.bytes
	var flags byte
	if c.VIP {
		flags |= 1
	}
	b = append(b, flags)
	for _, s := range []string{c.Owner, c.ID, c.Name, c.Company, c.URL} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Numbers)))
	for _, n := range c.Numbers {
		b = appendNumber(b, n)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Fields)))
	for k, v := range c.Fields {
		b = appendString(appendString(b, k), v)
	}
	a.bytes = b
	return uint32(len(a.starts) - 1)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendNumber keeps the spelling only where there is no E.164: nobody shows it otherwise.
func appendNumber(b []byte, n Number) []byte {
	head := byte(0)
	if n.Head {
		head = 1
	}
	b = binary.AppendUvarint(append(b, head), toKey(string(n.E164)))
	if n.E164 == "" {
		b = appendString(b, n.Raw)
	}
	return appendString(b, n.Label)
}

// at decodes a contact; its strings are copies that keep nothing of the block alive.
func (a *arena) at(i uint32) Contact {
	r := reader(a.bytes[a.starts[i]:])
	var c Contact
	c.VIP = r.byte()&1 != 0
	for _, s := range []*string{&c.Owner, &c.ID, &c.Name, &c.Company, &c.URL} {
		*s = r.string()
	}
	for range r.uint() {
		n := Number{Head: r.byte() != 0}
		if key := r.uint(); key != 0 {
			n.E164 = number.E164("+" + strconv.FormatUint(key, 10))
		} else {
			n.Raw = r.string()
		}
		n.Label = r.string()
		c.Numbers = append(c.Numbers, n)
	}
	if count := r.uint(); count > 0 {
		c.Fields = make(map[string]string, count)
		for range count {
			k := r.string()
			c.Fields[k] = r.string()
		}
	}
	return c
}

// owner reads only what decides who may see the contact.
func (a *arena) owner(i uint32) string {
	r := reader(a.bytes[a.starts[i]:])
	r.byte()
	return r.string()
}

func (a *arena) clip() {
	a.bytes, a.starts = slices.Clip(a.bytes), slices.Clip(a.starts)
}

// reader reads what appendString and its like wrote; the block never leaves this package, so it is trusted.
type reader []byte

func (r *reader) byte() byte {
	b := (*r)[0]
	*r = (*r)[1:]
	return b
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(*r)
	*r = (*r)[n:]
	return v
}

func (r *reader) string() string {
	n := r.uint()
	s := string((*r)[:n])
	*r = (*r)[n:]
	return s
}

// toKey turns up to 18 digits into a number; a leading plus is skipped. Zero means none.
func toKey(digits string) uint64 {
	if digits != "" && digits[0] == '+' {
		digits = digits[1:]
	}
	if len(digits) > 18 {
		return 0
	}
	key, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0
	}
	return key
}
