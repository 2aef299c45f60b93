package real

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a destination in virtual time: it notes when calls were sent and how many were under way at most.
type wire struct {
	mu    sync.Mutex
	takes func(call int) time.Duration
	sent  []time.Time
	now   int
	most  int
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(*http.Request) (*http.Response, error) {
	w.mu.Lock()
	took := w.takes(len(w.sent))
	w.sent = append(w.sent, time.Now())
	w.now++
	w.most = max(w.most, w.now)
	w.mu.Unlock()
	time.Sleep(took)
	w.mu.Lock()
	w.now--
	w.mu.Unlock()
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// smallestGap is the least time between two calls.
func (w *wire) smallestGap() time.Duration {
	least := time.Hour
	for i := 1; i < len(w.sent); i++ {
		least = min(least, w.sent[i].Sub(w.sent[i-1]))
	}
	return least
}

func TestThePlainSenderKeepsAHundredthBelowTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{takes: func(int) time.Duration { return time.Millisecond }}
		r := &rig{url: "http://x/", client: &http.Client{Transport: w}}
		if err := r.sendInStep(t.Context(), &Rule{Limit: 100, Per: 10 * time.Second}, 101*time.Second); err != nil {
			t.Fatal(err)
		}
		if gap := w.smallestGap(); len(w.sent) != 1000 || gap != 101*time.Millisecond {
			t.Errorf("%d calls, the closest %s apart, want 1000, 101 ms", len(w.sent), gap)
		}
	})
}

func TestThePlainSenderCatchesUpOnlyWhereBurstsAreBorne(t *testing.T) {
	for _, c := range []struct {
		name  string
		burst int
		calls int
		gap   time.Duration
	}{
		{"no burst", 1, 97, 101 * time.Millisecond}, // what did not fit into the 500 ms is lost
		{"a burst of ten", 10, 100, time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{takes: func(call int) time.Duration {
					if call == 50 {
						return 500 * time.Millisecond
					}
					return time.Millisecond
				}}
				r := &rig{url: "http://x/", client: &http.Client{Transport: w}}
				rule := &Rule{Kind: Bucket, Limit: 10, Per: time.Second, Burst: c.burst}
				if err := r.sendInStep(t.Context(), rule, 10100*time.Millisecond); err != nil {
					t.Fatal(err)
				}
				if gap := w.smallestGap(); len(w.sent) != c.calls || gap != c.gap {
					t.Errorf("%d calls, the closest %s apart, want %d, %s", len(w.sent), gap, c.calls, c.gap)
				}
			})
		})
	}
}

func TestThePlainSenderKeepsAsManyUnderWayAsTheRuleAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{takes: func(int) time.Duration { return 50 * time.Millisecond }}
		r := &rig{url: "http://x/", client: &http.Client{Transport: w}}
		if err := r.sendAbreast(t.Context(), 8, time.Second); err != nil {
			t.Fatal(err)
		}
		if len(w.sent) != 160 || w.most != 8 {
			t.Errorf("%d calls, %d at once, want 160, 8", len(w.sent), w.most)
		}
	})
}
