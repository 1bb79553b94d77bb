package tray

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/assets"
)

func count(img *image.RGBA, c color.RGBA) (n int) {
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i] == c.R && img.Pix[i+1] == c.G && img.Pix[i+2] == c.B && img.Pix[i+3] == c.A {
			n++
		}
	}
	return n
}

func TestStateAndFrameChooseTheDrawing(t *testing.T) {
	for state, name := range map[IconState]string{Idle: "idle", Ringing: "ringing-1", InCall: "incall", Disconnected: "disconnected",
		Trouble: "trouble", Muted: "muted"} {
		require.Equal(t, name, lookOf(Model{State: state}, 0, 22).name)
	}
	require.Equal(t, "ringing-2", lookOf(Model{State: Ringing}, 1, 22).name)
	require.Equal(t, "ringing-1", lookOf(Model{State: Ringing}, 2, 22).name)
	require.Equal(t, 3, lookOf(Model{Missed: 3}, 0, 22).missed)
	require.Equal(t, 10, lookOf(Model{Missed: 300}, 0, 22).missed)
	require.Zero(t, lookOf(Model{Missed: -1}, 0, 22).missed)
	require.Zero(t, lookOf(Model{State: Ringing, Missed: 3}, 0, 22).missed, "only quiet states show missed calls")
	require.Zero(t, lookOf(Model{State: InCall, Missed: 3}, 0, 22).missed)
}

func TestBadgeShowsTheCountFrom22Pixels(t *testing.T) {
	for _, size := range assets.IconSizes {
		plain, err := render(look{name: "idle", size: size})
		require.NoError(t, err)
		require.Zero(t, count(plain, badgeRed))
		seen := map[string]bool{}
		for missed := 1; missed <= 10; missed++ {
			img, err := render(look{name: "idle", missed: missed, size: size})
			require.NoError(t, err)
			require.Equal(t, size, img.Bounds().Dx())
			require.Greater(t, count(img, badgeRed), 8, "size %d, missed %d", size, missed)
			seen[string(img.Pix)] = true
		}
		if size >= 22 {
			require.Len(t, seen, 10, "every count looks different at %d", size)
		} else {
			require.Len(t, seen, 1)
		}
	}
}

func TestEveryIconCanBeEncoded(t *testing.T) {
	tray := New(Options{Size: 22})
	for state := Idle; state <= Muted; state++ {
		for frame := range 2 {
			data, err := tray.icon(Model{State: state, Missed: 12}, frame)
			require.NoError(t, err)
			require.NotEmpty(t, data)
		}
	}
	require.Len(t, tray.icons, 7, "each drawing is made once")
}

// TestPicturesForReview writes the badges for a person to look at, when asked to.
func TestPicturesForReview(t *testing.T) {
	dir := os.Getenv("DESKBELL_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	for _, size := range []int{16, 22, 24, 32, 48} {
		for _, missed := range []int{1, 4, 8, 10} {
			for _, name := range []string{"idle", "trouble"} {
				img, err := render(look{name: name, missed: missed, size: size})
				require.NoError(t, err)
				f, err := os.Create(filepath.Join(dir, name+"-"+digits(missed)+"-"+string(rune('a'+size/8))+".png"))
				require.NoError(t, err)
				require.NoError(t, png.Encode(f, img))
				require.NoError(t, f.Close())
			}
		}
	}
}
