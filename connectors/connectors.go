// Package connectors names every connector there is: the one place that knows all vendors.
//
// A new telephone system is a new folder below connectors/pbx and one line here.
package connectors

import (
	"deskbell/app/contact"
	"deskbell/app/pbx"
	"deskbell/connectors/contacts/csv"
	"deskbell/connectors/contacts/httpjson"
	"deskbell/connectors/pbx/nfon"
)

// PBX maps the "type" of a telephone system in the settings file to an empty configuration for it, ready to be decoded into.
var PBX = map[string]func() pbx.Config{
	"nfon": func() pbx.Config { return &nfon.Config{} },
}

// Contacts maps the "type" of a contact source likewise.
var Contacts = map[string]func() contact.Config{
	"csv":      func() contact.Config { return &csv.Config{} },
	"httpjson": func() contact.Config { return &httpjson.Config{} },
}
