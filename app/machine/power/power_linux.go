package power

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// watch starts both sources; each alone is worth having.
func watch(ctx context.Context, log *slog.Logger, raw chan<- Event) {
	if err := watchNetwork(ctx, raw); err != nil {
		log.Warn("network changes are not noticed at once", "error", err)
	}
	go func() {
		// The system bus may be slow to answer at sign-in; nobody waits for it.
		if err := watchSleep(ctx, raw); err != nil && ctx.Err() == nil {
			log.Info("waking from sleep is not noticed at once", "error", err)
		}
	}()
}

// watchNetwork reads the kernel's messages about links and addresses. The file makes the socket part of the
// runtime's poller, so the goroutine costs no thread while it waits.
func watchNetwork(ctx context.Context, raw chan<- Event) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "netlink")
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = socket.Close() // the socket is of no use
		return fmt.Errorf("listen to netlink: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() }) // ends Read below
	go func() {
		defer stop()
		buffer := make([]byte, 16<<10)
		for {
			n, err := socket.Read(buffer)
			switch {
			case err == nil && matters(buffer[:n]), isOverrun(err):
				send(ctx, raw, NetworkChanged)
			case err != nil && !isOverrun(err):
				return
			}
		}
	}()
	return nil
}

// isOverrun is the kernel saying that there were more messages than room: a change for sure.
func isOverrun(err error) bool { return errors.Is(err, unix.ENOBUFS) }

// matters tells messages about links and addresses from acknowledgements and what cannot be read.
func matters(data []byte) bool {
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return false
	}
	for _, m := range messages {
		switch m.Header.Type {
		case unix.RTM_NEWLINK, unix.RTM_DELLINK, unix.RTM_NEWADDR, unix.RTM_DELADDR:
			return true
		}
	}
	return false
}

// watchSleep listens to logind, which announces sleep with true and waking with false.
func watchSleep(ctx context.Context, raw chan<- Event) error {
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return fmt.Errorf("connect to the system bus: %w", err)
	}
	defer func() { _ = bus.Close() }() // nothing is pending
	signals := make(chan *dbus.Signal, 4)
	bus.Signal(signals)
	err = bus.AddMatchSignalContext(ctx, dbus.WithMatchSender("org.freedesktop.login1"),
		dbus.WithMatchInterface("org.freedesktop.login1.Manager"), dbus.WithMatchMember("PrepareForSleep"))
	if err != nil {
		return fmt.Errorf("listen to logind: %w", err)
	}
	for sig := range signals {
		var asleep bool
		if sig.Name == "org.freedesktop.login1.Manager.PrepareForSleep" && dbus.Store(sig.Body, &asleep) == nil && !asleep {
			send(ctx, raw, Resumed)
		}
	}
	return ctx.Err()
}

func send(ctx context.Context, raw chan<- Event, e Event) {
	select {
	case raw <- e:
	case <-ctx.Done():
	}
}
