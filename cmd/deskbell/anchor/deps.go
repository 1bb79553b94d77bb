//go:build deps

// Package anchor keeps the module's requirements while the packages that use them are written.
package anchor

import (
	_ "fyne.io/systray"
	_ "git.sr.ht/~jackmordaunt/go-toast"
	_ "github.com/Microsoft/go-winio"
	_ "github.com/esiqveland/notify"
	_ "github.com/gen2brain/beeep"
	_ "github.com/gen2brain/malgo"
	_ "github.com/godbus/dbus/v5"
	_ "github.com/google/uuid"
	_ "github.com/gopxl/beep/v2/mp3"
	_ "github.com/gopxl/beep/v2/vorbis"
	_ "github.com/gopxl/beep/v2/wav"
	_ "github.com/gorilla/websocket"
	_ "github.com/jezek/xgb/xproto"
	_ "github.com/jezek/xgb/randr"
	_ "github.com/nicksnyder/go-i18n/v2/i18n"
	_ "github.com/nyaruka/phonenumbers"
	_ "github.com/pelletier/go-toml/v2"
	_ "github.com/pkg/browser"
	_ "github.com/pressly/goose/v3"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/spf13/cobra"
	_ "github.com/stretchr/testify/require"
	_ "github.com/tidwall/gjson"
	_ "github.com/tmaxmax/go-sse"
	_ "github.com/yosida95/uritemplate/v3"
	_ "github.com/zalando/go-keyring"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/sys/windows/registry"
	_ "golang.org/x/text/language"
	_ "modernc.org/sqlite"
)
