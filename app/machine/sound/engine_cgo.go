//go:build cgo

package sound

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"unicode/utf16"
	"unsafe"

	"github.com/gen2brain/malgo"
)

// engine is a connection to the sound server or system.
type engine struct {
	ctx  *malgo.AllocatedContext
	wide bool // device ids are UTF-16, as WASAPI's are
}

// openEngine tries the system's backends in turn. Each alone: the library's own search would go on to backends that
// make noise on stderr or play into nothing.
func openEngine(log *slog.Logger) (*engine, error) {
	failed := ErrNoSound
	for _, backend := range backends() {
		e, err := open(backend, log)
		if err == nil {
			return e, nil
		}
		failed = fmt.Errorf("%w: %w", failed, err)
	}
	return nil, failed
}

func open(backend malgo.Backend, log *slog.Logger) (*engine, error) {
	name := append([]byte("Deskbell"), 0)
	var pin runtime.Pinner
	pin.Pin(&name[0])
	defer pin.Unpin() // the library copies the name
	config := malgo.ContextConfig{Pulse: malgo.PulseContextConfig{PApplicationName: &name[0]}}
	ctx, err := malgo.InitContext([]malgo.Backend{backend}, config, func(message string) {
		log.Debug("sound library", "message", strings.TrimSpace(message))
	})
	if err != nil {
		return nil, err
	}
	return &engine{ctx: ctx, wide: backend == malgo.BackendWasapi}, nil
}

func (e *engine) close() {
	_ = e.ctx.Uninit() // fails only for a context that was never made
	e.ctx.Free()
}

// outputs lists the playback devices.
func (e *engine) outputs() ([]Output, error) {
	devices, err := e.ctx.Devices(malgo.Playback)
	if err != nil {
		return nil, fmt.Errorf("%w: list outputs: %w", ErrNoSound, err)
	}
	list := make([]Output, 0, len(devices))
	for _, d := range devices {
		list = append(list, Output{ID: e.idText(d.ID), Name: d.Name(), Default: d.IsDefault != 0})
	}
	return list, nil
}

// find gives the device that the setting names, by id or by name.
func (e *engine) find(setting string) (malgo.DeviceInfo, error) {
	devices, err := e.ctx.Devices(malgo.Playback)
	if err != nil {
		return malgo.DeviceInfo{}, fmt.Errorf("%w: list outputs: %w", ErrNoSound, err)
	}
	for _, d := range devices {
		if e.idText(d.ID) == setting {
			return d, nil
		}
	}
	for _, d := range devices {
		if d.Name() == setting {
			return d, nil
		}
	}
	return malgo.DeviceInfo{}, ErrNoOutput
}

// idText writes a device id as the sound system's own name for it, hexadecimal if it is no text.
func (e *engine) idText(id malgo.DeviceID) string {
	if e.wide {
		units := make([]uint16, 0, len(id)/2)
		for i := 0; i+1 < len(id) && (id[i] != 0 || id[i+1] != 0); i += 2 {
			units = append(units, uint16(id[i])|uint16(id[i+1])<<8)
		}
		return string(utf16.Decode(units))
	}
	text, _, _ := strings.Cut(string(id[:]), "\x00")
	for _, r := range text {
		if r < ' ' || r > '~' {
			return hex.EncodeToString(id[:])
		}
	}
	return text
}

// start opens a device and lets it sound. fill is called from the library's thread with interleaved stereo to fill;
// stopped when the device ends, whoever ended it.
func (e *engine) start(output *malgo.DeviceInfo, rate int, fill func([]float32), stopped func()) (*malgo.Device, error) {
	config := malgo.DefaultDeviceConfig(malgo.Playback)
	config.Playback.Format = malgo.FormatF32
	config.Playback.Channels = 2
	config.SampleRate = uint32(rate)
	config.PeriodSizeInMilliseconds = 10
	config.Periods = 2
	config.Pulse.StreamNamePlayback = "Ringing"
	var pin runtime.Pinner
	defer pin.Unpin() // the library copies the id
	if output != nil {
		id := output.ID
		pin.Pin(&id)
		config.Playback.DeviceID = unsafe.Pointer(&id)
	}
	device, err := malgo.InitDevice(e.ctx.Context, config, malgo.DeviceCallbacks{
		Data: func(out, _ []byte, frames uint32) {
			if frames > 0 {
				fill(unsafe.Slice((*float32)(unsafe.Pointer(&out[0])), int(frames)*2))
			}
		},
		Stop: stopped,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: open output: %w", ErrNoSound, err)
	}
	if err := device.Start(); err != nil {
		device.Uninit()
		return nil, errors.Join(ErrNoSound, fmt.Errorf("start output: %w", err))
	}
	return device, nil
}
