// Package resident tells how much memory a process has had at most. It is for Linux.
package resident

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Self is this process.
const Self = "self"

// Peak is the largest resident memory, in bytes, that a process has had since its program began: VmHWM, which knows nothing
// of the process that started it, as getrusage does. process is its number, or Self.
func Peak(process string) (int64, error) {
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %s: %w", process, err)
	}
	for line := range strings.Lines(string(status)) {
		rest, found := strings.CutPrefix(line, "VmHWM:")
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the memory of process %s: %w", process, err)
		}
		return kilobytes << 10, nil
	}
	return 0, errors.New("read the memory of process " + process + ": no VmHWM")
}
