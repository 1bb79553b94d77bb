package assets

import (
	"bytes"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryTrayIconExistsInEverySize(t *testing.T) {
	for _, name := range []string{"idle", "ringing-1", "ringing-2", "incall", "disconnected", "trouble", "muted"} {
		for _, size := range IconSizes {
			data, err := TrayIcon(name, size)
			require.NoError(t, err)
			img, err := png.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			require.Equal(t, size, img.Bounds().Dx(), name)
			require.Equal(t, size, img.Bounds().Dy(), name)
		}
	}
}

func TestUnknownAssetsAreErrors(t *testing.T) {
	_, err := TrayIcon("idle", 17)
	require.ErrorContains(t, err, "17")
	_, err = TrayIcon("../../go.mod", 16)
	require.Error(t, err)
	_, err = Tone("nothing")
	require.ErrorContains(t, err, `"nothing"`)
}

func TestBuiltInTonesAndAppIconsAreThere(t *testing.T) {
	for _, name := range []string{"internal", "external", "vip", "knock"} {
		data, err := Tone(name)
		require.NoError(t, err)
		require.Equal(t, "OggS", string(data[:4]))
	}
	_, err := png.Decode(bytes.NewReader(AppIcon()))
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 1, 0}, AppIconICO()[:4])
}
