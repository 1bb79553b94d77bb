package clipboard

import (
	"context"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

const unicodeText = 13 // CF_UNICODETEXT

var (
	user32   = windows.NewLazySystemDLL("user32.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")

	openClipboard  = user32.NewProc("OpenClipboard")
	closeClipboard = user32.NewProc("CloseClipboard")
	getData        = user32.NewProc("GetClipboardData")
	globalLock     = kernel32.NewProc("GlobalLock")
	globalUnlock   = kernel32.NewProc("GlobalUnlock")
	globalSize     = kernel32.NewProc("GlobalSize")
	moveMemory     = kernel32.NewProc("RtlMoveMemory")
)

// Read gives the clipboard's text.
func Read(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	// The clipboard belongs to the thread that opened it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := open(ctx); err != nil {
		return "", err
	}
	defer func() { _, _, _ = closeClipboard.Call() }() // fails only when it is not open

	handle, _, _ := getData.Call(unicodeText)
	if handle == 0 {
		return "", ErrEmpty
	}
	size, _, _ := globalSize.Call(handle)
	if size > 2*MaxBytes {
		return "", ErrTooLarge
	}
	memory, _, err := globalLock.Call(handle)
	if memory == 0 {
		return "", fmt.Errorf("read the clipboard: %w", err)
	}
	defer func() { _, _, _ = globalUnlock.Call(handle) }() // its result counts locks, it does not fail
	units := make([]uint16, size/2+1)                      // one more: the text need not end with a zero
	if size > 1 {
		_, _, _ = moveMemory.Call(uintptr(unsafe.Pointer(&units[0])), memory, size/2*2)
	}
	text := windows.UTF16ToString(units)
	if text == "" {
		return "", ErrEmpty
	}
	return text, nil
}

// open tries until nobody else has the clipboard open; programs hold it for a few milliseconds.
func open(ctx context.Context) error {
	for {
		if ok, _, _ := openClipboard.Call(0); ok != 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("open the clipboard: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
