package gateway_test

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/gateway"
)

func TestTableOfOpenFilesIsMadeBeforeTheyAre(t *testing.T) {
	before := filesTable(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	want := min(2*before, int(limit.Cur))
	gateway.MakeRoomForFiles(2 * before)
	if got := filesTable(t); got < want {
		t.Errorf("there is room for %d open files, want %d", got, want)
	}
}

// filesTable returns how many open files the kernel's table has room for (proc_pid_status(5), FDSize).
func filesTable(t *testing.T) int {
	t.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if size, ok := strings.CutPrefix(lines.Text(), "FDSize:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(size))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("/proc/self/status has no FDSize")
	return 0
}
