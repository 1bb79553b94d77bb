package localapi

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// Address is the name of the pipe: the user's SID and Windows session make it one user's and one desktop's. Dir tells apart
// several trays with state of their own (DESKBELL_HOME); session is not needed here.
func Address(dir, _ string) string {
	var session uint32
	if err := windows.ProcessIdToSessionId(uint32(os.Getpid()), &session); err != nil {
		session = 0
	}
	sid, err := userSID()
	if err != nil {
		sid = "unknown"
	}
	name := fmt.Sprintf(`\\.\pipe\deskbell-%s-%d`, sid, session)
	if dir != "" {
		h := fnv.New32a()
		if _, err := h.Write([]byte(dir)); err == nil {
			name += fmt.Sprintf("-%08x", h.Sum32())
		}
	}
	return name
}

func userSID() (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", fmt.Errorf("user's SID: %w", err)
	}
	return user.User.Sid.String(), nil
}

// Listen opens the pipe for the user alone. ErrRunning means that another tray holds it.
func Listen(address string) (net.Listener, error) {
	sid, err := userSID()
	if err != nil {
		return nil, err
	}
	l, err := winio.ListenPipe(address, &winio.PipeConfig{SecurityDescriptor: "D:P(A;;GA;;;" + sid + ")"})
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED), errors.Is(err, windows.ERROR_PIPE_BUSY):
		return nil, ErrRunning
	case err != nil:
		return nil, fmt.Errorf("local pipe: %w", err)
	}
	return l, nil
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	return winio.DialPipeContext(ctx, address)
}
