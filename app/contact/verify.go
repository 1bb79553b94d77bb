package contact

import "deskbell/app/number"

// verify decides here, not in the source, whether a contact has the number: each of its numbers is read anew by the
// tenant's plan and compared. Sources find more than was asked for, or another spelling of somebody else's number.
func verify(c Contact, e number.E164, numbers Numbers) (Match, bool) {
	m := Match{Contact: c}
	m.Numbers = nil
	perhaps := false
	for _, n := range c.Numbers {
		for _, n := range reread(n, numbers) {
			m.Numbers = append(m.Numbers, n)
			m.Exact = m.Exact || number.Same(n.E164, e)
			perhaps = perhaps || maybe(n, e)
			m.Head = m.Head || isHead(n, e)
		}
	}
	if m.Exact {
		m.Head = false
	}
	return m, m.Exact || perhaps || m.Head
}

func reread(n Number, numbers Numbers) []Number {
	if n.Raw == "" {
		if !n.E164.Valid() {
			return nil
		}
		return []Number{n}
	}
	parties := numbers.NormalizeAll(n.Raw)
	if len(parties) == 0 {
		return []Number{{Raw: n.Raw, Label: n.Label}}
	}
	var found []Number
	for _, p := range parties {
		found = append(found, Number{E164: p.E164, Raw: p.Raw, Label: n.Label, Head: n.Head})
	}
	return found
}

// maybe holds for a spelling that names no country.
func maybe(n Number, e number.E164) bool {
	return looseDigits(n.Raw) != "" && number.MaybeSame(looseDigits(n.Raw), string(e))
}

func isHead(n Number, e number.E164) bool {
	head := string(n.E164)
	if !n.Head || len(head) <= minHead+1 || head[len(head)-1] != '0' {
		return false
	}
	head = head[:len(head)-1]
	ending := len(e) - len(head)
	return ending >= 1 && ending <= maxHeadEnding && string(e[:len(head)]) == head
}
