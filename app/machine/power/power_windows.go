package power

import (
	"context"
	"log/slog"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Messages of the power manager (PBT_… in winuser.h) and its "call me" flag.
const (
	resumeAutomatic      = 0x12
	resumeSuspend        = 0x7
	deviceNotifyCallback = 2
)

var (
	powrprof   = windows.NewLazySystemDLL("powrprof.dll")
	register   = powrprof.NewProc("PowerRegisterSuspendResumeNotification")
	unregister = powrprof.NewProc("PowerUnregisterSuspendResumeNotification")
)

// subscribers get what Windows calls back. A callback of Windows can never be freed, so there is one of each per
// process for all watches.
var subscribers struct {
	sync.Mutex
	list map[chan<- Event]bool
}

func tell(e Event) {
	subscribers.Lock()
	defer subscribers.Unlock()
	for raw := range subscribers.list {
		select {
		case raw <- e:
		default: // sixteen untaken events say the same
		}
	}
}

var onPower = sync.OnceValue(func() uintptr {
	return windows.NewCallback(func(_, kind, _ uintptr) uintptr {
		if kind == resumeAutomatic || kind == resumeSuspend {
			tell(Resumed)
		}
		return 0
	})
})

var onAddress = sync.OnceValue(func() uintptr {
	return windows.NewCallback(func(_, _, _ uintptr) uintptr {
		tell(NetworkChanged)
		return 0
	})
})

// subscription is DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS.
type subscription struct {
	callback uintptr
	context  uintptr
}

func watch(ctx context.Context, log *slog.Logger, raw chan<- Event) {
	subscribers.Lock()
	if subscribers.list == nil {
		subscribers.list = map[chan<- Event]bool{}
	}
	subscribers.list[raw] = true
	subscribers.Unlock()

	var network windows.Handle
	if err := windows.NotifyUnicastIpAddressChange(windows.AF_UNSPEC, onAddress(), nil, false, &network); err != nil {
		log.Warn("network changes are not noticed at once", "error", err)
	}
	sub := &subscription{callback: onPower()}
	var power uintptr
	if err := register.Find(); err != nil {
		log.Info("waking from sleep is not noticed at once", "error", err)
	} else if code, _, _ := register.Call(deviceNotifyCallback, uintptr(unsafe.Pointer(sub)), uintptr(unsafe.Pointer(&power))); code != 0 {
		log.Info("waking from sleep is not noticed at once", "error", windows.Errno(code))
	}
	context.AfterFunc(ctx, func() {
		subscribers.Lock()
		delete(subscribers.list, raw)
		subscribers.Unlock()
		if network != 0 {
			_ = windows.CancelMibChangeNotify2(network) // fails only for a handle that is no longer valid
		}
		if power != 0 {
			_, _, _ = unregister.Call(power) // as above
		}
	})
}
