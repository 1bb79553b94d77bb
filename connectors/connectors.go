// Package connectors names every connector there is: the one place that knows all vendors.
//
// A new telephone system is a new folder below connectors/pbx and one line here.
package connectors

import (
	"deskbell/app/pbx"
	"deskbell/connectors/pbx/nfon"
)

// PBX maps the "type" of a telephone system in the settings file to an empty configuration for it, ready to be decoded into.
var PBX = map[string]func() pbx.Config{
	"nfon": func() pbx.Config { return &nfon.Config{} },
}
