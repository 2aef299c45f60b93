package storetest

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// finish enqueues a deposit and delivers it; the payload is left for the store to read.
func finish(t *testing.T, s persist.Store, j persist.Deposit) record.ID {
	t.Helper()
	id := enqueue(t, s, j)[0]
	for _, e := range live(t, s, j.Queue) {
		if e.ID == id {
			settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(j.Queue, e)}})
		}
	}
	return id
}

func historySurvives(t *testing.T, at Place) {
	q := queue("history.example", "default")
	o := Options{Metadata: time.Hour, Body: time.Hour}
	s := at.Open(t, o)
	j := deposits(q, 1)[0]
	read := finish(t, s, j)
	given := enqueue(t, s, j)[0]
	st := delivered(q, live(t, s, q)[0])
	st.Payload = []byte("at hand")
	st.Final.Type, st.Final.Metadata = "order", map[string]string{"campaign": "7"}
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{st}})
	left := at.Crash(t)
	shut(t, s)
	for _, place := range []Place{at, left} {
		s := place.Open(t, o)
		if v := webhook(t, s, read); !bytes.Equal(v.Payload, j.Payload) || v.Final.State != record.Delivered {
			t.Errorf("shown as %+v", v)
		}
		v := webhook(t, s, given)
		if string(v.Payload) != "at hand" || v.Final.Type != "order" || v.Final.Metadata["campaign"] != "7" {
			t.Errorf("shown as %+v", v)
		}
		if _, err := s.Payload(t.Context(), given); !errors.Is(err, persist.ErrNotFound) {
			t.Errorf("payload of a finished webhook among the live: %v", err)
		}
		shut(t, s)
	}
}

func historyEnds(t *testing.T, at Place) {
	q := queue("history.example", "default")
	synctest.Test(t, func(t *testing.T) {
		o := Options{Metadata: 48 * time.Hour, Body: 24 * time.Hour}
		s := at.Open(t, o)
		id := finish(t, s, deposits(q, 1)[0])
		shut(t, s)
		for _, step := range []struct {
			wait       time.Duration
			meta, body bool
		}{
			{23 * time.Hour, true, true}, {5 * time.Hour, true, false},
			{19 * time.Hour, true, false}, {8 * time.Hour, false, false},
		} {
			time.Sleep(step.wait)
			s := at.Open(t, o)
			v, err := s.Webhook(t.Context(), id)
			if step.meta != (err == nil) || (!step.meta && !errors.Is(err, persist.ErrNotFound)) {
				t.Errorf("%v: %v, kept should be %v", step, err, step.meta)
			}
			if err == nil && step.body != (v.Payload != nil) {
				t.Errorf("%v: %d bytes of payload, kept should be %v", step, len(v.Payload), step.body)
			}
			shut(t, s)
		}
	})
}

func historySize(t *testing.T, at Place) {
	q := queue("history.example", "default")
	s := at.Open(t, Options{Metadata: time.Hour, Body: time.Hour, MaxSize: 2 << 20})
	defer shut(t, s)
	j := deposits(q, 1)[0]
	j.Payload = bytes.Repeat([]byte("p"), 200<<10)
	first := finish(t, s, j)
	for range 30 {
		finish(t, s, j)
	}
	last := finish(t, s, j)
	if v, err := s.Webhook(t.Context(), first); err == nil && v.Payload != nil {
		t.Error("6 MB of payloads were kept in 2 MiB")
	}
	if v := webhook(t, s, last); !bytes.Equal(v.Payload, j.Payload) {
		t.Error("the latest webhook's payload is gone")
	}
}

func livePayloadStays(t *testing.T, at Place) {
	q := queue("history.example", "default")
	synctest.Test(t, func(t *testing.T) {
		o := Options{Metadata: time.Hour, Body: time.Hour, MaxSize: 1}
		s := at.Open(t, o)
		j := deposits(q, 1)[0]
		j.Due = time.Now().Add(1000 * time.Hour).UnixMilli()
		id := enqueue(t, s, j)[0]
		e := live(t, s, q)[0]
		settle(t, s, persist.Batch{Settlements: []persist.Settlement{retried(q, e, j.Due)}})
		shut(t, s)
		time.Sleep(500 * time.Hour)
		s = at.Open(t, o)
		defer shut(t, s)
		finish(t, s, deposits(queue("history.example", "other"), 1)[0])
		time.Sleep(2 * time.Minute)
		if payload, err := s.Payload(t.Context(), id); err != nil || !bytes.Equal(payload, j.Payload) {
			t.Errorf("payload %q, %v; want %q", payload, err, j.Payload)
		}
		if v := webhook(t, s, id); v.Entry == nil || len(v.Attempts) != 1 {
			t.Errorf("shown as %+v", v)
		}
	})
}

func unknown(t *testing.T, at Place) {
	s := at.Open(t, Options{Metadata: time.Hour, Body: time.Hour})
	defer shut(t, s)
	if _, err := s.Webhook(t.Context(), record.ID{1}); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("Webhook: %v, want ErrNotFound", err)
	}
	if _, err := s.Payload(t.Context(), record.ID{1}); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("Payload: %v, want ErrNotFound", err)
	}
}
