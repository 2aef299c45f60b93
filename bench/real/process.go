package real

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	startTime = 30 * time.Second // for a program to listen, on a busy machine
	stopTime  = 15 * time.Second // for a program to end in order; then it is killed
)

// process is a program of a run. It leads a process group of its own: the terminal's interrupt does not reach it, so
// that the run ends things in its own order, and what it started itself ends with it.
type process struct {
	cmd   *exec.Cmd
	said  lockedBuffer // standard error
	ended chan struct{}
}

// launch starts a program. Its standard output goes to the file out, if one is named.
func launch(dir, out, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), ended: make(chan struct{})} //nolint:gosec // programs of this run
	p.cmd.Dir = dir
	p.cmd.Stderr = &p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if out != "" {
		f, err := os.OpenFile(out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		p.cmd.Stdout = f
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		// It returns when nobody holds the other end of standard error any more, the program's children included. How
		// it ended is in its ProcessState.
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// serve starts a program and waits until it takes connections on addr.
func serve(ctx context.Context, addr, dir, out, name string, args ...string) (*process, error) {
	p, err := launch(dir, out, name, args...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return p, conn.Close()
		}
		select {
		case <-p.ended:
			return nil, errors.Join(p.fault("does not listen on "+addr), p.stop())
		case <-ctx.Done():
			return nil, errors.Join(p.fault("does not listen on "+addr+" yet"), p.stop())
		case <-look.C:
		}
	}
}

// stop ends the program in order, or by force when it takes too long, and with it whatever it started.
func (p *process) stop() error {
	select {
	case <-p.ended: // and its number may be another's by now
		return nil
	default:
	}
	group := -p.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.ended
	return p.fault(fmt.Sprintf("did not end within %s of being asked to", stopTime))
}

// fault says what is wrong with the program, in its own words too.
func (p *process) fault(what string) error {
	return fmt.Errorf("%s (pid %d) %s: %s", p.cmd.Path, p.cmd.Process.Pid, what, p.said.String())
}

// lockedBuffer is what a program said so far, to be read while it still talks.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns the last few lines' worth.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	const enough = 4096
	text := b.text.Bytes()
	return string(bytes.TrimSpace(text[max(0, len(text)-enough):]))
}
