package real

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// TestStopEndsWhatAProgramStartedItself: a program has ended when nobody holds the other end of its standard error any
// more, and the child that this one waits for does.
func TestStopEndsWhatAProgramStartedItself(t *testing.T) {
	p, err := launch(t.TempDir(), "", "/bin/sh", "-c", "sleep 1000 & wait")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	select {
	case <-p.ended:
	default:
		t.Error("something of it still runs")
	}
	if err := p.stop(); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}

func TestAProgramThatDoesNotListenIsAnErrorInItsOwnWords(t *testing.T) {
	addr, err := loopback.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	_, err = serve(t.Context(), addr, t.TempDir(), "", "/bin/sh", "-c", "echo cannot bind >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "cannot bind") || !strings.Contains(err.Error(), addr) {
		t.Errorf("%v, want what it said and where it should listen", err)
	}
}

func TestStandardOutputGoesToTheFileOfAnswers(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "answers.log")
	p, err := launch(dir, out, "/bin/sh", "-c", "pwd")
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	text, err := os.ReadFile(out)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(text)), filepath.Base(dir)) {
		t.Errorf("%q, %v, want the folder %s", text, err, dir)
	}
}
