package badgerstore

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

func TestAWebhookWhoseHistoryIsCutOffIsAsIfItsRetentionHadPassed(t *testing.T) {
	dir := t.TempDir()
	all := writeKept(t, dir, rand.New(rand.NewPCG(1, 2)), 20)
	last := all[len(all)-1]
	for shelf, from := range map[string]int64{"body": last.logs[0], "meta": last.metaAt[0]} {
		logs, err := filepath.Glob(filepath.Join(dir, "history", shelf, "*"+logSuffix))
		if err != nil || len(logs) != 1 {
			t.Fatalf("%v, %v; want one file", logs, err)
		}
		if err := os.Truncate(logs[0], from+3); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
		v, err := s.Webhook(t.Context(), last.id)
		switch {
		case shelf == "meta" && !errors.Is(err, persist.ErrNotFound):
			t.Errorf("without its metadata: %v, want ErrNotFound", err)
		case shelf == "body" && err == nil && v.Payload != nil:
			t.Error("there is a payload that was cut off")
		case shelf == "body" && err != nil && !errors.Is(err, persist.ErrNotFound):
			t.Errorf("without its payload: %v", err)
		}
		if _, err := s.Webhook(t.Context(), all[0].id); err != nil {
			t.Errorf("another: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
