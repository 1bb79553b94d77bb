package tray

import "fyne.io/systray"

// menu is what stands in the tray's menu, and the library's items for it. It belongs to the tray's loop.
type menu struct {
	items []Item
	nodes []node
	gone  chan struct{} // closed when the items of this build are replaced
}

// node is the library's item for one line; separators have none.
type node struct {
	line     *systray.MenuItem
	children []node
}

// show brings the menu in line with items: nothing if they are equal, in place if only texts and marks differ, else
// built anew. Building gives every line a new number, so a menu that is open just then goes stale; that is why it is
// the last resort, and why a click on a stale line does nothing.
func (m *menu) show(items []Item, onClick func(string)) {
	switch {
	case m.gone != nil && same(m.items, items):
		return
	case m.gone != nil && sameShape(m.items, items):
		change(m.nodes, m.items, items)
	default:
		m.build(items, onClick)
	}
	m.items = items
}

// end lets the goroutines of the lines go.
func (m *menu) end() {
	if m.gone != nil {
		close(m.gone)
		m.gone = nil
	}
}

func (m *menu) build(items []Item, onClick func(string)) {
	m.end()
	// The library closes a line's channel when it removes the line, and panics if a click is being sent just then.
	// A nil channel is left alone; the one that was there is garbage once its goroutine has gone.
	detach(m.nodes)
	systray.ResetMenu()
	m.gone = make(chan struct{})
	m.nodes = m.add(nil, items, onClick)
}

func detach(nodes []node) {
	for _, n := range nodes {
		if n.line != nil {
			n.line.ClickedCh = nil
		}
		detach(n.children)
	}
}

// add appends lines below parent, nil being the menu itself.
func (m *menu) add(parent *systray.MenuItem, items []Item, onClick func(string)) []node {
	nodes := make([]node, len(items))
	for i, item := range items {
		if item.Separator {
			if parent == nil {
				systray.AddSeparator()
			} else {
				parent.AddSeparator()
			}
			continue
		}
		line := newLine(parent, item)
		if !item.Enabled {
			line.Disable()
		}
		nodes[i] = node{line: line, children: m.add(line, item.Children, onClick)}
		if onClick != nil && len(item.Children) == 0 {
			go listen(line.ClickedCh, m.gone, item.ID, onClick)
		}
	}
	return nodes
}

func newLine(parent *systray.MenuItem, item Item) *systray.MenuItem {
	switch {
	case parent == nil && item.Checkbox:
		return systray.AddMenuItemCheckbox(item.Label, "", item.Checked)
	case parent == nil:
		return systray.AddMenuItem(item.Label, "")
	case item.Checkbox:
		return parent.AddSubMenuItemCheckbox(item.Label, "", item.Checked)
	}
	return parent.AddSubMenuItem(item.Label, "")
}

// listen waits for clicks on one line until it is gone.
func listen(clicks <-chan struct{}, gone <-chan struct{}, id string, onClick func(string)) {
	for {
		select {
		case _, open := <-clicks:
			if !open {
				return
			}
			onClick(id)
		case <-gone:
			return
		}
	}
}

// change brings lines of the same shape up to date, touching only what differs.
func change(nodes []node, old, items []Item) {
	for i, item := range items {
		line := nodes[i].line
		if line == nil {
			continue
		}
		if item.Label != old[i].Label {
			line.SetTitle(item.Label)
		}
		if item.Enabled != old[i].Enabled {
			if item.Enabled {
				line.Enable()
			} else {
				line.Disable()
			}
		}
		if item.Checked != old[i].Checked {
			if item.Checked {
				line.Check()
			} else {
				line.Uncheck()
			}
		}
		change(nodes[i].children, old[i].Children, item.Children)
	}
}
