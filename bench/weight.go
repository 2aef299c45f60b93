package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// anonymous is the gateway's memory that no file stands behind: RssAnon of /proc/PID/status (proc(5)).
func (g *running) anonymous() int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "RssAnon:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// clockTick is the unit of CPU times in /proc (sysconf(_SC_CLK_TCK)); 100 a second on every Linux that Go runs on.
const clockTick = time.Second / 100

// cpu is the processor time that the gateway has taken: utime and stime of /proc/PID/stat (proc(5)).
func (g *running) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // from the third on: the second may have spaces
	user, _ := strconv.ParseInt(fields[14-3], 10, 64)
	system, _ := strconv.ParseInt(fields[15-3], 10, 64)
	return time.Duration(user+system) * clockTick
}

// weighEvery is how often the gateway's memory is looked at.
const weighEvery = 50 * time.Millisecond

// grown is by how much memory has grown when its profile is worth writing anew, in bytes.
const grown = 32 << 20

// scales watch a gateway's memory.
type scales struct {
	peak        int64
	stop, ended chan struct{}
}

// weigh looks at the gateway's memory until it is stopped. Into a directory, unless that is empty, it writes profiles of the
// heap as it grows.
func (g *running) weigh(ctx context.Context, profiles, phase string) *scales {
	s := &scales{stop: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		tick := time.NewTicker(weighEvery)
		defer tick.Stop()
		for written := int64(0); ; {
			if s.peak = max(s.peak, g.anonymous()); profiles != "" && s.peak > written+grown {
				written = s.peak
				g.profileHeap(filepath.Join(profiles, fmt.Sprintf("%s-%04d.heap", phase, written>>20)))
			}
			select {
			case <-tick.C:
			case <-s.stop:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

// most ends the watch and returns the most that was seen.
func (s *scales) most() int64 {
	close(s.stop)
	<-s.ended
	return s.peak
}

func (g *running) profileHeap(file string) { g.profile(file, "heap") }

// profileCPU writes a profile of less than a while.
func (g *running) profileCPU(file string, d time.Duration) {
	g.profile(file, fmt.Sprintf("profile?seconds=%d", max(1, int(d.Seconds())-1)))
}

func (g *running) profile(file, of string) {
	_, profile, err := fasthttp.Get(nil, "http://"+g.admin+"/debug/pprof/"+of)
	if err == nil {
		err = os.WriteFile(file, profile, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "a profile:", err)
	}
}
