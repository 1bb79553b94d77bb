package crm

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"deskbell/app/lab/words"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"t": func(string) string { return "" }}).Parse(pageText))

// pageData is what the template shows: one contact, or a list.
type pageData struct {
	Lang    string
	Title   string
	Contact *Contact
	List    []Contact
}

func (s *Server) contactPage(w http.ResponseWriter, r *http.Request) {
	say := words.For(r.Header.Get("Accept-Language"))
	found := s.find(func(c Contact) bool { return c.ID == r.PathValue("id") })
	if len(found) == 0 {
		render(w, http.StatusNotFound, say, pageData{Title: say.Text("crm_nobody")})
		return
	}
	render(w, http.StatusOK, say, pageData{Title: found[0].Name, Contact: &found[0]})
}

// listPage shows all contacts, or those with ?phone=; a single hit is shown at once.
func (s *Server) listPage(w http.ResponseWriter, r *http.Request) {
	say := words.For(r.Header.Get("Accept-Language"))
	list := s.Contacts()
	if number := r.URL.Query().Get("phone"); number != "" {
		list = s.ByNumber(number)
	}
	if len(list) == 1 && r.URL.Query().Has("phone") {
		http.Redirect(w, r, "/contacts/"+list[0].ID, http.StatusSeeOther)
		return
	}
	render(w, http.StatusOK, say, pageData{Title: say.Text("crm_contacts"), List: list})
}

func render(w http.ResponseWriter, status int, say words.Speaker, d pageData) {
	d.Lang = say.Language()
	t, err := page.Clone()
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	var b bytes.Buffer
	if err := t.Funcs(template.FuncMap{"t": say.Text}).Execute(&b, d); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}
