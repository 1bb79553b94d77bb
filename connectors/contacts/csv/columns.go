package csv

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"deskbell/app/contact"
)

// usual are the headings that English and German CRMs, Outlook and Google write, in the form of plain.
var usual = map[string][]string{
	"id":      {"id", "contactid", "customerid", "kundennummer", "kundennr", "kdnr", "recordid"},
	"name":    {"name", "fullname", "displayname", "contact", "contactname", "kontakt", "ansprechpartner", "anzeigename", "vollername"},
	"first":   {"firstname", "givenname", "vorname"},
	"last":    {"lastname", "surname", "familyname", "nachname", "familienname"},
	"company": {"company", "companyname", "organization", "organisation", "account", "accountname", "firma", "firmenname", "unternehmen"},
	"vip":     {"vip"},
	"url":     {"url", "link", "record", "recordurl", "weblink", "crm", "crmurl", "seite"},
}

var (
	phoneHeading = regexp.MustCompile(`(?:phone|telefon|mobil|handy|cell|rufnummer|durchwahl)|^(?:tel|number|nummer)\d*$`)
	noPhone      = regexp.MustCompile(`fax|type$|label$|typ$|kosten|vertrag`)
	plainer      = regexp.MustCompile(`[^\p{L}\p{N}]+`)
)

// plain makes headings comparable: lower case, letters and digits only.
func plain(heading string) string {
	return plainer.ReplaceAllString(strings.ToLower(heading), "")
}

// columns are positions in a row; -1 where there is none.
type columns struct {
	headings                                 []string
	id, name, first, last, company, vip, url int
	phones                                   []int
	fields                                   map[string]int
}

// find matches the heading row with the settings. The error lists all that is missing.
func (c Columns) find(headings []string) (columns, error) {
	found := columns{headings: headings, fields: map[string]int{}}
	var errs []error
	one := func(key, configured string) int {
		i := position(headings, key, configured)
		if i < 0 && configured != "" {
			errs = append(errs, fmt.Errorf("there is no column %q (columns.%s)", configured, key))
		}
		return i
	}
	found.id, found.name = one("id", c.ID), one("name", c.Name)
	found.first, found.last = one("first", c.FirstName), one("last", c.LastName)
	found.company, found.vip, found.url = one("company", c.Company), one("vip", c.VIP), one("url", c.URL)
	for name, heading := range c.Fields {
		found.fields[name] = one("fields."+name, heading)
	}
	for _, heading := range c.Phones {
		found.phones = append(found.phones, one("phones", heading))
	}
	if len(c.Phones) == 0 {
		found.phones = phoneColumns(headings)
	}
	if len(found.phones) == 0 {
		errs = append(errs, errors.New("there is no column with phone numbers (set columns.phones)"))
	}
	if found.name < 0 && found.last < 0 && found.company < 0 {
		errs = append(errs, errors.New("there is no column with names (set columns.name or columns.company)"))
	}
	if len(errs) > 0 {
		return columns{}, fmt.Errorf("%w: %w", contact.ErrConfig, errors.Join(errs...))
	}
	return found, nil
}

func position(headings []string, key, configured string) int {
	wanted := usual[key]
	if configured != "" {
		wanted = []string{plain(configured)}
	}
	return slices.IndexFunc(headings, func(h string) bool { return slices.Contains(wanted, plain(h)) })
}

func phoneColumns(headings []string) []int {
	var found []int
	for i, h := range headings {
		if h := plain(h); phoneHeading.MatchString(h) && !noPhone.MatchString(h) {
			found = append(found, i)
		}
	}
	return found
}

func at(row []string, i int) string {
	if i < 0 || i >= len(row) {
		return ""
	}
	return clean(row[i])
}

// maxText is the longest value that is kept, in bytes; more is no name of anybody.
const maxText = 1000

func clean(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(text(s), "\x00", ""))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}
