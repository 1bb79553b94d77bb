package nfon

import (
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/stretchr/testify/require"

	"deskbell/app/pbx"
)

func TestConfigDefaults(t *testing.T) {
	var c Config
	require.NoError(t, toml.Unmarshal([]byte("account = \"K4711\"\nusername = \"K4711/api\"\npassword = \"file:/run/nfon\"\nsilent_watchdog = \"20m\""), &c))
	require.NoError(t, c.Validate())
	full := c.withDefaults()
	require.Equal(t, DefaultBaseURL, full.BaseURL)
	require.Equal(t, HangUpSetup, full.HangUp)
	require.Equal(t, 20, full.PromptSeconds)
	require.Equal(t, StatesStream, full.States)
	require.Equal(t, 20*time.Minute, time.Duration(full.SilentWatchdog))
	require.Equal(t, 10*time.Minute, time.Duration(full.ExtensionsRefresh))
	back, err := toml.Marshal(full)
	require.NoError(t, err)
	require.Contains(t, string(back), "silent_watchdog = '20m0s'")
}

func TestConfigReportsEverythingAtOnce(t *testing.T) {
	c := Config{
		BaseURL: "http://nfon.example/v1", Account: "4711", Username: "a\nb", HangUp: "always", PromptSeconds: 121,
		States: "guess", SilentWatchdog: Duration(time.Second), ExtensionsRefresh: Duration(time.Second),
	}
	err := c.Validate()
	for _, key := range []string{"base_url", "account", "username", "password", "hang_up", "prompt_seconds", "states", "silent_watchdog", "extensions_refresh"} {
		require.ErrorContains(t, err, key+": ")
	}
	_, err = c.Open(pbx.Env{})
	require.Error(t, err)
	require.ErrorContains(t, (&Config{}).Validate(), "account: is missing")
	var d Duration
	require.Error(t, d.UnmarshalText([]byte("soon")))
}

func TestBaseURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://providersupportdata.cloud-cfg.com/v1": true, "http://127.0.0.1:8080/v1": true, "http://localhost/v1": true, "http://[::1]:1/v1": true,
		"http://10.0.0.1/v1": false, "ftp://127.0.0.1": false, "https://user:pass@nfon.example/v1": false, "https://nfon.example/v1?x=1": false, "nfon.example": false, "": false, "https://%zz": false,
	} {
		require.Equal(t, ok, checkURL(url) == nil, url)
	}
}
