package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeConfig writes the server's configuration, the telephone system's password and the contacts file.
func (s *Stage) writeConfig() error {
	ready := s.Lab.Ready()
	password, contacts := filepath.Join(s.opts.Dir, "nfon-password"), filepath.Join(s.opts.Dir, "contacts.csv")
	template := s.opts.OpenTemplate
	if template == "" {
		template = ready.CRM + "/contacts/{contact.id}"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("[server]\nname = %q\nlisten = %q\npublic_url = %q\ndata_dir = %q", "Deskbell Lab", s.address, s.URL(), s.DataDir())
	line("\n[tenant]\nregion = \"DE\"\narea_code = \"89\"\nextension_length = 3\ntime_zone = \"Europe/Berlin\"")
	line("\n[page]\ntemplate = %q\nprefer_contact = true", template)
	line("\n[system.nfon]\ntype = \"nfon\"\nname = \"NFON\"\nbase_url = %q\naccount = %q\nusername = %q\npassword = { file = %q }",
		ready.NFON, ready.Account, ready.Username, password)
	line("\n[contacts.crm]\ntype = \"httpjson\"\norder = 2\nbase_url = %q\nauth = \"none\"\nlookup = \"/api/contacts?phone={number}\"", ready.CRM)
	line("page = %q\ncounts = \"/api/contacts/{id}/tickets?status=open\"\ncounts_path = \"total\"", ready.CRM+"/contacts/{id}")
	if s.opts.Contacts != "" {
		line("\n[contacts.csv]\ntype = \"csv\"\norder = 1\npath = %q", contacts)
	}
	line("%s", s.opts.Config)

	for path, text := range map[string]string{s.ConfigPath(): b.String(), password: ready.Password, contacts: s.opts.Contacts} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("stage: %w", err)
		}
	}
	return nil
}
