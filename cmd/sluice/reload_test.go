package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sluice runs a command of the binary to its end.
func sluice(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var out, talk bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), talk.String()
}

// configured is a gateway with a file, and where it listens.
type configured struct {
	*program
	file, data, front, admin string
}

// serving starts a gateway whose file says what text does, beside where it is.
func serving(t *testing.T, text string) *configured {
	t.Helper()
	dir := t.TempDir()
	c := &configured{file: filepath.Join(dir, "sluice.yaml"), data: filepath.Join(dir, "data"), front: freeAddr(t), admin: freeAddr(t)}
	c.write(t, text)
	c.start(t)
	return c
}

func (c *configured) write(t *testing.T, text string) {
	t.Helper()
	place := fmt.Sprintf("data: {dir: %s, min_free: 64MiB}\negress: {allow_nets: [127.0.0.0/8]}\n", c.data)
	if err := os.WriteFile(c.file, []byte(place+text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *configured) start(t *testing.T) {
	t.Helper()
	c.program = launch(t, c.front, "serve", "--config", c.file, "--listen", c.front, "--admin", c.admin)
}

// lane asks something of a host and returns its one lane as it is shown.
func (c *configured) lane(t *testing.T, method, path string) (l struct {
	Source  string
	Rate    float64
	Windows []struct{ Limit int64 }
},
) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.front+"/v1/hosts/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var host struct{ Lanes json.RawMessage }
	lanes := []any{&l}
	err = errors.Join(json.Unmarshal(text, &host), json.Unmarshal(host.Lanes, &lanes))
	if resp.StatusCode != http.StatusOK || err != nil {
		t.Fatalf("%s %s: %s: %s (%v)", method, path, resp.Status, text, err)
	}
	return l
}

// deliver has one webhook sent to a destination.
func (c *configured) deliver(t *testing.T, sink, key string) {
	t.Helper()
	id, err := post(http.DefaultClient, c.front, sink, key)
	if err != nil {
		t.Fatal(err)
	}
	for state(t, c.front, id) != "delivered" {
		select {
		case <-c.ended:
			t.Fatalf("the gateway ended: %s", c.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestTheFileIsReloadedOnRequestAndOnSIGHUP changes the file of a running gateway, and has it read in both ways.
func TestTheFileIsReloadedOnRequestAndOnSIGHUP(t *testing.T) {
	sink := freeAddr(t)
	launch(t, sink, "sink", "--listen", sink)
	c := serving(t, "limits: {hosts: [{match: 127.0.0.1, fixed: 50/s}]}\n")
	c.deliver(t, sink, "1")

	c.write(t, "limits: {hosts: [{match: 127.0.0.1, fixed: 60/s}]}\nshutdown: {timeout: 20s}\nlisten: 127.0.0.1:1\n")
	code, stdout, stderr := sluice(t, "reload", "--admin", c.admin)
	want := "applied        limits.hosts[127.0.0.1].fixed\nneeds restart  shutdown.timeout\n"
	if code != 0 || stdout != want || stderr != "reloaded: 1 change applied, 1 waits for a restart\n" {
		t.Errorf("exit %d, stdout %q, stderr %q; want 0, %q: flags go before the file", code, stdout, stderr, want)
	}
	if l := c.lane(t, "GET", sink); l.Rate != 60 {
		t.Errorf("after the reload the lane goes at %v, want 60", l.Rate)
	}
	code, stdout, _ = sluice(t, "reload", "--admin", c.admin, "-o", "json")
	if code != 0 || stdout != `{"applied":[],"needs_restart":["shutdown.timeout"]}`+"\n" {
		t.Errorf("again: exit %d, stdout %s", code, stdout)
	}

	c.write(t, "limits: {hosts: [{match: 127.0.0.1, fixed: 70/s}]}\n")
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for c.lane(t, "GET", sink).Rate != 70 {
		select {
		case <-c.ended:
			t.Fatalf("SIGHUP ended the gateway: %s", c.stderr.String())
		case <-t.Context().Done():
			t.Fatal("the file was not read again")
		case <-time.After(5 * time.Millisecond):
		}
	}

	c.write(t, "limits: {hosts: [{match: 127.0.0.1, fixed: 80/h, share: 7}]}\nlog: {levl: debug}\n")
	code, stdout, stderr = sluice(t, "reload", "--admin", c.admin)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 1 || len(lines) != 2 || !strings.HasPrefix(lines[0], c.file+":3: limits.hosts[0].share: 7: ") ||
		!strings.HasPrefix(lines[1], c.file+":4: log.levl: ") || stderr != "not reloaded, what was in force stays: 2 faults\n" {
		t.Errorf("a faulty file: exit %d, stdout\n%s\nstderr %s", code, stdout, stderr)
	}
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(c.file); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ = sluice(t, "reload", "--admin", c.admin)
	if want := c.file + ": cannot be read: no such file or directory; want a readable file\n"; code != 1 || stdout != want {
		t.Errorf("a file that is gone: exit %d, stdout %s", code, stdout)
	}
	if l := c.lane(t, "GET", sink); l.Rate != 70 {
		t.Errorf("after two refused files the lane goes at %v, want 70", l.Rate)
	}
	c.deliver(t, sink, "2")
	c.terminate(t)
	if log := c.stderr.String(); strings.Count(log, "the configuration was not reloaded") < 2 || !strings.Contains(log, "limits.hosts[0].share: 7: ") {
		t.Errorf("the log names no faults:\n%s", log)
	}
}

func TestAGatewayWithoutAFileSaysThatThereIsNothingToReloadAndLivesOn(t *testing.T) {
	front, admin := freeAddr(t), freeAddr(t)
	p := launch(t, front, "serve", "--listen", front, "--admin", admin, "--data", filepath.Join(t.TempDir(), "data"))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := sluice(t, "reload", "--admin", admin)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "there is no configuration file to reload") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	p.terminate(t)
}

// A pipe that nobody writes to would hold that reload and all after it; one that was read has nothing more, not even tokens.
func TestAReloadReadsFilesOnly(t *testing.T) {
	c := serving(t, "")
	if err := errors.Join(os.Remove(c.file), syscall.Mkfifo(c.file, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		code, stdout, _ := sluice(t, "reload", "--admin", c.admin)
		if want := c.file + ": is not a regular file; want one, which can be read again\n"; code != 1 || stdout != want {
			t.Errorf("exit %d, stdout %s", code, stdout)
		}
	}
	c.terminate(t)
}

// An editor or a deployment makes a file empty before it writes it.
func TestAReloadOfAnEmptyFileIsRefused(t *testing.T) {
	c := serving(t, "log: {level: warn}\n")
	if err := os.Truncate(c.file, 0); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := sluice(t, "reload", "--admin", c.admin)
	if want := c.file + ": is empty, as while it is being written; want {} in it, where all is to be at its default\n"; code != 1 || stdout != want {
		t.Errorf("exit %d, stdout %s", code, stdout)
	}
	c.terminate(t)
}

func TestReloadOfNoGatewaySaysWhatItTried(t *testing.T) {
	admin := freeAddr(t)
	code, stdout, stderr := sluice(t, "reload", "--admin", admin)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "is a gateway running, with its admin address at "+admin+"?") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, _, stderr = sluice(t, "reload", "--admin", "a b"); code != 2 || !strings.Contains(stderr, "want host:port") {
		t.Errorf("exit %d, stderr %q; want 2", code, stderr)
	}
}

// TestWhatWasForgottenStaysForgottenThoughTheProcessIsKilled kills the gateway as soon as it has answered.
func TestWhatWasForgottenStaysForgottenThoughTheProcessIsKilled(t *testing.T) {
	sink := freeAddr(t)
	launch(t, sink, "sink", "--listen", sink, "--limit", "5000/1h", "--algorithm", "fixed-first", "--headers", "x-rate-limit")
	c := serving(t, "")
	c.deliver(t, sink, "1")
	c.terminate(t)
	c.start(t)
	if l := c.lane(t, "GET", sink); len(l.Windows) != 1 || l.Windows[0].Limit != 5000 {
		t.Fatalf("the lane is shown as %+v: what is not remembered cannot be forgotten", l)
	}
	if l := c.lane(t, "DELETE", sink+"/learned"); len(l.Windows) != 0 || l.Source != "start" {
		t.Errorf("the answer shows %+v, want a lane at its start", l)
	}
	c.kill()
	c.start(t)
	if l := c.lane(t, "GET", sink); len(l.Windows) != 0 || l.Source != "start" {
		t.Errorf("after it was killed the lane is shown as %+v, want it at its start", l)
	}
	c.terminate(t)
}
