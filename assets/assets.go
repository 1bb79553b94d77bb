// Package assets holds what the programs show and play: icons and built-in tones, embedded.
package assets

import (
	"embed"
	"fmt"
	"slices"
)

//go:embed icons/*.png icons/deskbell.ico
var icons embed.FS

//go:embed tones/*.ogg
var tones embed.FS

// IconSizes are the widths, in pixels, in which every tray icon exists.
var IconSizes = []int{16, 22, 24, 32, 48}

// TrayIcon gives a tray icon as PNG: name is one of idle, ringing-1, ringing-2, incall, disconnected, trouble, muted;
// size one of IconSizes.
func TrayIcon(name string, size int) ([]byte, error) {
	if !slices.Contains(IconSizes, size) {
		return nil, fmt.Errorf("assets: no icons of %d pixels", size)
	}
	return icons.ReadFile(fmt.Sprintf("icons/%s-%d.png", name, size))
}

// AppIcon is the program's icon, 256 pixels wide, as PNG.
func AppIcon() []byte { return mustRead("icons/deskbell.png") }

// AppIconICO is the program's icon in all sizes, as a Windows ICO file.
func AppIconICO() []byte { return mustRead("icons/deskbell.ico") }

// Tone gives a built-in tone as OGG Vorbis: internal, external, vip (all made to be looped) or knock.
func Tone(name string) ([]byte, error) {
	data, err := tones.ReadFile("tones/" + name + ".ogg")
	if err != nil {
		return nil, fmt.Errorf("assets: no built-in tone %q: %w", name, err)
	}
	return data, nil
}

// mustRead reads a file whose presence the compiler has checked through its embed pattern.
func mustRead(path string) []byte {
	data, err := icons.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return data
}
