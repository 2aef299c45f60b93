package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tabled fills a data directory until it has a table of the live database, and returns its path.
func tabled(t *testing.T, dir string) string {
	t.Helper()
	for range 2 { // what waits goes to the live database at a start, and to a table at a stop; two tables would be compacted
		addr := freeAddr(t)
		p := launch(t, addr, "serve", "--listen", addr, "--admin", "127.0.0.1:0", "--data", dir)
		var body bytes.Buffer
		for n := range 50 {
			fmt.Fprintf(&body, `{"url":"https://nobody.example/","body":{"n":%d},"send_at":%q}`+"\n", n, time.Now().Add(time.Hour).Format(time.RFC3339))
		}
		answer, err := http.Post("http://"+addr+"/v1/webhooks", "application/x-ndjson", &body)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusAccepted {
			t.Fatalf("posting: %s", answer.Status)
		}
		p.terminate(t)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "live", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	return tables[0]
}

// serves returns when a gateway that listens also serves.
func serves(t *testing.T, addr string) {
	t.Helper()
	answer, err := http.Get("http://" + addr + "/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}

// TestDamageOfATableInUseEndsServingByNameAndIsToldUntilItIsMended damages a table under a running gateway.
func TestDamageOfATableInUseEndsServingByNameAndIsToldUntilItIsMended(t *testing.T) {
	dir := t.TempDir()
	table := tabled(t, dir)
	whole, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	args := []string{"serve", "--listen", addr, "--admin", "127.0.0.1:0", "--data", dir}
	p := launch(t, addr, args...)
	serves(t, addr)
	file, err := os.OpenFile(table, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(bytes.Repeat([]byte{0xff}, 16), 0); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(3 * time.Minute): // the scrub begins after one
		t.Fatal("it goes on")
	}
	if code, said := p.cmd.ProcessState.ExitCode(), p.stderr.String(); code != 1 ||
		!strings.Contains(said, table) || !strings.Contains(said, "restore "+dir+" from a backup") {
		t.Errorf("it ended with %d, saying %s", code, said)
	}
	for range 2 { // as often as it is started
		bin, _ := binary()
		said, err := exec.Command(bin, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(said), table) || !strings.Contains(string(said), "--despite-loss") {
			t.Fatalf("started again: %v, saying %s", err, said)
		}
	}
	if err := os.WriteFile(table, whole, 0o600); err != nil { // out of a backup
		t.Fatal(err)
	}
	launch(t, addr, args...).terminate(t)
}

// TestACrashIsNotedForTheNextStart has the runtime end the process, as it does for a panic on any goroutine.
func TestACrashIsNotedForTheNextStart(t *testing.T) {
	dir := t.TempDir()
	addr := freeAddr(t)
	args := []string{"serve", "--listen", addr, "--admin", "127.0.0.1:0", "--data", dir}
	p := launch(t, addr, args...)
	serves(t, addr)
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	p = launch(t, addr, args...)
	p.terminate(t)
	if !strings.Contains(p.stderr.String(), "the process before this one crashed") {
		t.Errorf("the next start says %s", p.stderr.String())
	}
	if report, err := os.ReadFile(filepath.Join(dir, "crash.log.old")); err != nil || !bytes.Contains(report, []byte("goroutine")) {
		t.Errorf("of the crash is kept %q, %v", report, err)
	}
	p = launch(t, addr, args...)
	p.terminate(t)
	if strings.Contains(p.stderr.String(), "crashed") {
		t.Errorf("the one behind that says it again: %s", p.stderr.String())
	}
}
