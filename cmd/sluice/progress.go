package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// progress is one line on a terminal that is written over; nothing where stderr is no terminal.
type progress struct {
	to    *os.File // nil: silent
	total int

	mu    sync.Mutex
	last  time.Time
	shown bool
}

const progressEvery = 100 * time.Millisecond

func newProgress(to *os.File, total int) *progress {
	if !isatty.IsTerminal(to.Fd()) {
		to = nil
	}
	return &progress{to: to, total: total}
}

func (p *progress) accepted(n int) { p.show("accepted", n) }
func (p *progress) ended(n int)    { p.show("ended", n) }

func (p *progress) show(what string, n int) {
	if p.to == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); n == p.total || now.Sub(p.last) >= progressEvery {
		p.last, p.shown = now, true
		fmt.Fprintf(p.to, "\r%s %d of %d\x1b[K", what, n, p.total)
	}
}

// end leaves the line.
func (p *progress) end() {
	if p.to != nil && p.shown {
		fmt.Fprintln(p.to)
	}
}
