//go:build unix

package jobs

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
)

func TestADiskThatTakesLongForOneJobKeepsNobodyWaiting(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	files := make(chan string, 1)
	j.Handle("slow", Kind{Run: func(_ context.Context, of *Task) error {
		next := filepath.Join(dir, of.ID()+jobSuffix+".next")
		if err := syscall.Mkfifo(next, 0o600); err != nil { // what is written there waits for a reader
			return err
		}
		j.mu.Lock()
		of.saved = time.Time{}
		j.mu.Unlock()
		files <- next
		if of.Note(1, 2, nil) == nil {
			t.Error("a pipe was taken for a file: that proves nothing")
		}
		return os.Remove(next)
	}})
	v, _, err := j.Begin(Order{Kind: "slow", Tenant: "eu", Spec: strings.Repeat("more than a pipe holds", 10_000)})
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := os.Open(<-files) // when the writer is there
	if err != nil {
		t.Fatal(err)
	}
	if !j.mu.TryLock() {
		t.Fatal("the lock of all jobs is held while one is written")
	}
	j.mu.Unlock()
	if all, err := j.Jobs(t.Context(), ""); err != nil || len(all) != 1 || all[0].Done != 1 {
		t.Errorf("listed meanwhile: %+v, %v", all, err)
	}
	if _, err := io.Copy(io.Discard, pipe); err != nil {
		t.Error(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	if v := ended(t, j, v.ID); v.State != front.JobDone {
		t.Errorf("it ended as %+v", v)
	}
	j.Close()
}
