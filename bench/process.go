package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a program under test, ended with the run.
type process struct {
	cmd *exec.Cmd
	err bytes.Buffer
}

// prepare makes a temporary directory, which its caller removes, and builds the binary in it.
func prepare(ctx context.Context) (dir, sluice string, err error) {
	if dir, err = os.MkdirTemp("", "sluice-bench-"); err != nil {
		return "", "", err
	}
	if sluice, err = buildSluice(ctx, dir); err != nil {
		return "", "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, sluice, nil
}

// buildSluice builds the binary as a user would.
func buildSluice(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "sluice")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/sluice") //nolint:gosec // a path of our own making
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building sluice (run this from the module's root): %w\n%s", err, out)
	}
	return bin, nil
}

// start runs a program until it answers connections on addr.
func start(ctx context.Context, addr, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, name, args...)} //nolint:gosec // what was built for this run
	p.cmd.Stderr = &p.err
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 10 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return p, conn.Close()
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s does not listen on %s: %s", name, addr, p.err.String()), p.stop())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stop ends the program in order and reports how it ended.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", p.cmd.Path, err, p.err.String())
	}
	return nil
}
