package crm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Contact is a customer of the small CRM.
type Contact struct {
	ID          string   `json:"id" toml:"id"`
	Name        string   `json:"name" toml:"name"`
	Company     string   `json:"company" toml:"company"`
	Phones      []string `json:"phones" toml:"phones"` // any spelling; compared as E.164
	VIP         bool     `json:"vip" toml:"vip"`
	OpenTickets int      `json:"open_tickets" toml:"open_tickets"`
}

// DefaultContacts are the fixture customers. Numbers lie in ranges kept for films and examples where there are such.
func DefaultContacts() []Contact {
	return []Contact{
		{ID: "17", Name: "Dr. Annegret von Hohenstein-Brandenburg", Company: "Stadtwerke Musterstadt GmbH", Phones: []string{"+49891234567"}, VIP: true, OpenTickets: 3},
		{ID: "18", Name: "Peter Lang", Company: "Mueller GmbH", Phones: []string{"+4930555012"}, OpenTickets: 1},
		{ID: "19", Name: "Erika Beispiel", Phones: []string{"030 23125-042", "+49 171 3920012"}},
		{ID: "20", Name: "<b>&x</b>", Company: `"Quote" & 'Sons' <script>alert(1)</script>`, Phones: []string{"+492214710020"}, OpenTickets: 2},
		{ID: "21", Name: strings.Repeat("Langername ", 27) + "End", Company: "Musterfirma", Phones: []string{"+492214710021"}},
		{ID: "22", Name: "فاطمة الزهراء", Company: "شركة المثال", Phones: []string{"+496990009022"}},
		{ID: "23", Name: "Li", Company: "Li", Phones: []string{"+494066969023"}},
		{ID: "24", Name: "Max Muster", Company: "Muster & Muster", Phones: []string{"+494066969024"}},
		{ID: "25", Name: "Mara Muster", Company: "Muster & Muster", Phones: []string{"+494066969024"}, OpenTickets: 1},
	}
}

// LoadContacts reads contacts from a .json file (a list) or a .toml file ([[contact]] tables).
func LoadContacts(path string) ([]Contact, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	var file struct {
		Contact []Contact `toml:"contact"`
	}
	if strings.EqualFold(filepath.Ext(path), ".toml") {
		err = toml.Unmarshal(b, &file)
	} else {
		err = json.Unmarshal(b, &file.Contact)
	}
	if err != nil {
		return nil, fmt.Errorf("read contacts in %s: %w", path, err)
	}
	seen := map[string]bool{}
	for i, c := range file.Contact {
		if c.ID == "" || c.Name == "" || seen[c.ID] {
			return nil, fmt.Errorf("contact %d in %s: id and name must be there, and the id only once", i+1, path)
		}
		seen[c.ID] = true
	}
	return file.Contact, nil
}

// e164 reads a German or international spelling as digits with plus; text without digits becomes empty.
func e164(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "(0)", "")
	var digits strings.Builder
	for _, r := range text {
		if r >= '0' && r <= '9' {
			digits.WriteRune(r)
		}
	}
	d := digits.String()
	switch {
	case d == "":
		return ""
	case strings.HasPrefix(text, "+"):
		return "+" + d
	case strings.HasPrefix(d, "00"):
		return "+" + d[2:]
	case strings.HasPrefix(d, "0"):
		return "+49" + d[1:]
	}
	return "+" + d
}

func (c Contact) has(number string) bool {
	for _, p := range c.Phones {
		if e164(p) == number {
			return true
		}
	}
	return false
}
