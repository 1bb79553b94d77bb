package control

import (
	"bytes"
	_ "embed" // for the page's files
	"encoding/json"
	"html/template"
	"net/http"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/words"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS []byte

//go:embed page.js
var pageJS []byte

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"t": func(string) string { return "" }}).Parse(pageHTML))

// unknownCaller lies in a range kept for films; no fixture contact has it.
const unknownCaller = "+4915228817386"

// pick is a caller the page offers.
type pick struct {
	ID     string // of its text: pick_<ID>
	Number string
	Name   string
}

type pageData struct {
	Lang   string
	CRMURL string
	Picks  []pick
	Texts  string // JSON
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	say := words.For(r.Header.Get("Accept-Language"))
	all, err := say.All()
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	texts, err := json.Marshal(all)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	t, err := pageTemplate.Clone()
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	var b bytes.Buffer
	data := pageData{Lang: say.Language(), CRMURL: s.CRMURL, Picks: picks(s.World.CRM.Contacts()), Texts: string(texts)}
	if err := t.Funcs(template.FuncMap{"t": say.Text}).Execute(&b, data); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src data:; frame-ancestors 'none'")
	w.Header().Set("Vary", "Accept-Language")
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

// picks offers the first contact of each sort, and callers who are none.
func picks(contacts []crm.Contact) []pick {
	first := func(id string, fits func(crm.Contact) bool) []pick {
		for _, c := range contacts {
			if len(c.Phones) > 0 && fits(c) {
				return []pick{{ID: id, Number: c.Phones[0], Name: c.Name}}
			}
		}
		return nil
	}
	list := first("vip", func(c crm.Contact) bool { return c.VIP })
	list = append(list, first("known", func(c crm.Contact) bool { return !c.VIP })...)
	list = append(list, pick{ID: "unknown", Number: unknownCaller}, pick{ID: "withheld"}, pick{ID: "internal"})
	list = append(list, first("nasty", func(c crm.Contact) bool { return template.HTMLEscapeString(c.Name) != c.Name })...)
	return append(list, pick{ID: "several"})
}
