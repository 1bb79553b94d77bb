package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// trim gives back the pages of program text and libraries. They are clean copies of files that the system's cache keeps, so
// that touching them again costs no reading. Only mappings that cannot be written and hold nothing of their own are meant.
func trim() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("trim: %w", err)
	}
	defer f.Close()
	var from, to uintptr
	var fileBacked bool
	private := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		var start, end uintptr
		var perms string
		if n, err := fmt.Sscanf(line, "%x-%x %4s", &start, &end, &perms); err == nil && n == 3 {
			from, to, private = start, end, 0
			fileBacked = strings.Contains(line, " /") && strings.HasPrefix(perms, "r") && perms[1] == '-' && perms[3] == 'p'
			continue
		}
		var kB int
		switch {
		case !fileBacked:
		case scan(line, "Private_Dirty: %d kB", &kB), scan(line, "Anonymous: %d kB", &kB):
			private += kB
		case strings.HasPrefix(line, "VmFlags:") && private == 0:
			if err := drop(from, to); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

func scan(line, format string, n *int) bool {
	_, err := fmt.Sscanf(line, format, n)
	return err == nil
}

func drop(from, to uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
	if errno != 0 {
		return fmt.Errorf("trim: %w", errno)
	}
	return nil
}
