//go:build linux

// Command baretray is a tray icon and nothing else: the floor of what a resident program costs.
package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/signal"

	"fyne.io/systray"
)

func main() {
	var icon bytes.Buffer
	if err := png.Encode(&icon, image.NewNRGBA(image.Rect(0, 0, 22, 22))); err != nil {
		panic(err) // cannot be: the buffer takes everything
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() {
		<-interrupted
		systray.Quit()
	}()
	systray.Run(func() {
		systray.SetIcon(icon.Bytes())
		systray.SetTitle("Bare")
		systray.AddMenuItem("Nothing", "")
	}, func() {})
}
