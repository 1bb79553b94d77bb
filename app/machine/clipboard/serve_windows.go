package clipboard

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

const moveable = 2 // GMEM_MOVEABLE, which the clipboard asks for

var (
	emptyClipboard = user32.NewProc("EmptyClipboard")
	setData        = user32.NewProc("SetClipboardData")
	globalAlloc    = kernel32.NewProc("GlobalAlloc")
	globalFree     = kernel32.NewProc("GlobalFree")
)

// Serve puts a text on the clipboard; Windows keeps it, so Serve returns at once. Owned is called when the text is there.
func Serve(ctx context.Context, text string, owned func()) error {
	units, err := windows.UTF16FromString(text)
	switch {
	case err != nil:
		return fmt.Errorf("copy: %w", err)
	case len(text) > MaxBytes:
		return ErrTooLarge
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := open(ctx); err != nil {
		return err
	}
	defer func() { _, _, _ = closeClipboard.Call() }() // fails only when it is not open
	if err := give(units); err != nil {
		return err
	}
	owned()
	return nil
}

// give hands a copy of the text to the open clipboard, which owns it from then on.
func give(units []uint16) error {
	if ok, _, err := emptyClipboard.Call(); ok == 0 {
		return fmt.Errorf("copy: %w", err)
	}
	size := uintptr(len(units)) * 2
	handle, _, err := globalAlloc.Call(moveable, size)
	if handle == 0 {
		return fmt.Errorf("copy: %w", err)
	}
	memory, _, err := globalLock.Call(handle)
	if memory != 0 {
		_, _, _ = moveMemory.Call(memory, uintptr(unsafe.Pointer(&units[0])), size)
		_, _, _ = globalUnlock.Call(handle) // its result counts locks, it does not fail
		if taken, _, setErr := setData.Call(unicodeText, handle); taken != 0 {
			return nil
		} else {
			err = setErr
		}
	}
	_, _, _ = globalFree.Call(handle)
	return errors.Join(errors.New("copy: not taken by the clipboard"), err)
}
