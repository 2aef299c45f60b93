package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// stopping is a store that stops at what it is told to stop at, when that was read or before it is done.
type stopping struct {
	persist.Store
	read, erase chan chan struct{} // takes what is closed when it may go on; nil: it does not stop
}

func stop(at chan chan struct{}) {
	if at != nil {
		goOn := make(chan struct{})
		at <- goOn
		<-goOn
	}
}

func (s *stopping) Webhook(ctx context.Context, id record.ID) (*persist.View, error) {
	v, err := s.Store.Webhook(ctx, id)
	if err == nil && v.Final != nil {
		stop(s.read)
	}
	return v, err
}

func (s *stopping) Erase(ctx context.Context, f *persist.Filter) (int, error) {
	stop(s.erase)
	return s.Store.Erase(ctx, f)
}

// erasing is a gateway with one webhook about mallory that is over, and jobs on a store that stops.
type erasing struct {
	*Gateway
	t       *testing.T
	store   stopping
	repairs repairs
	replays replays
	erasure erasures
	over    record.ID
}

var mallory = record.Digest{4, 7, 1, 1}

func withErasing(t *testing.T, do func(e *erasing)) {
	synctest.Test(t, func(t *testing.T) {
		conf := configs.Default()
		conf.Data.Dir, conf.Data.MinFree = t.TempDir(), 64*configs.MiB
		g, err := New(Settings{
			Config: conf, Log: zerolog.Nop(), NoCompaction: true,
			Listener: fasthttputil.NewInmemoryListener(), Admin: fasthttputil.NewInmemoryListener(),
			Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody is there") },
		})
		if err != nil {
			t.Fatal(err)
		}
		e := &erasing{Gateway: g, t: t, store: stopping{Store: g.store}}
		apart := new(copies)
		e.repairs = repairs{&e.store, g.dispatcher, apart}
		e.replays, e.erasure = replays{&e.store, g.jobs, apart}, erasures{&e.store, g.dispatcher, g.jobs, apart}
		g.jobs.kinds[replayKind], g.jobs.kinds[erasureKind] = e.replays.run, e.erasure.run

		ctx, end := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		synctest.Wait()
		w := &record.Webhook{
			Method: "POST", URL: "http://a.example/", Host: "a.example:80", Tenant: "default", Flow: "spring", Policy: "default",
			Subject: mallory, Body: []byte("dear mallory"),
		}
		receipts, err := g.store.Enqueue(ctx, []persist.Job{{Queue: w.Queue(), Payload: w.Encode(), Webhook: w}})
		if err != nil {
			t.Fatal(err)
		}
		e.over = receipts[0].ID
		if err := g.dispatcher.Cancel(ctx, e.over, "for the test"); err != nil {
			t.Fatal(err)
		}
		do(e)
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute) // fasthttp's cleaners end within virtual time
	})
}

func (e *erasing) begin(kind string, spec any) *task {
	e.t.Helper()
	v, _, err := e.jobs.begin(kind, "", "", "", spec)
	if err != nil {
		e.t.Fatal(err)
	}
	return e.jobs.find(v.ID)
}

func (e *erasing) beginReplay() *task {
	return e.begin(replayKind, &persist.Filter{State: record.Cancelled})
}
func (e *erasing) beginErasure() *task {
	return e.begin(erasureKind, &erasureSpec{Subject: mallory})
}

// done waits for jobs' ends.
func (e *erasing) done(tasks ...*task) {
	e.t.Helper()
	for _, t := range tasks {
		<-t.ended
		if v := e.jobs.viewOf(t); v.State != front.JobDone {
			b, _ := json.Marshal(v) //nolint:errchkjson // it is looked at by a person
			e.t.Errorf("a job ended as %s", b)
		}
	}
}

// nothingLeft wants nothing that was said of mallory, live or over.
func (e *erasing) nothingLeft() {
	e.t.Helper()
	live, err := e.Gateway.store.Live(e.t.Context(), record.ID{}, nil, 10)
	if err != nil || len(live.Rows) > 0 {
		e.t.Errorf("%d webhooks wait, %v", len(live.Rows), err)
	}
	page, err := e.Gateway.store.History(e.t.Context(), &persist.Filter{}, "", 10)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, f := range page.Finals {
		if v, err := e.Gateway.store.Webhook(e.t.Context(), f.ID); err != nil || v.Payload != nil || v.Final.URL != "" {
			e.t.Errorf("%s is there as %+v, %v", f.ID, v, err)
		}
	}
}

// TestAnErasureFindsTheCopyOfAReplayThatHadReadBefore stops the replay between its reading and its accepting.
func TestAnErasureFindsTheCopyOfAReplayThatHadReadBefore(t *testing.T) {
	withErasing(t, func(e *erasing) {
		e.store.read = make(chan chan struct{})
		replay := e.beginReplay()
		goOn := <-e.store.read
		erasure := e.beginErasure()
		time.Sleep(time.Minute)
		close(goOn)
		e.done(replay, erasure)
		e.nothingLeft()
	})
}

// TestAReplayRefusesWhatIsBeingErased stops the erasure when it has looked at all that waits.
func TestAReplayRefusesWhatIsBeingErased(t *testing.T) {
	withErasing(t, func(e *erasing) {
		e.store.erase = make(chan chan struct{})
		erasure := e.beginErasure()
		goOn := <-e.store.erase
		replay := e.beginReplay()
		e.done(replay)
		if v := e.jobs.viewOf(replay); v.Skipped != 1 {
			e.t.Errorf("the replay skipped %d, want 1", v.Skipped)
		}
		if _, err := e.repairs.Retry(e.t.Context(), e.over, nil); !errors.Is(err, front.ErrBodyGone) {
			e.t.Errorf("a retry: %v, want ErrBodyGone", err)
		}
		close(goOn)
		e.done(erasure)
		e.nothingLeft()
	})
}

// TestAnErasureFindsTheCopyOfARetryThatHadReadBefore is the same for a single webhook.
func TestAnErasureFindsTheCopyOfARetryThatHadReadBefore(t *testing.T) {
	withErasing(t, func(e *erasing) {
		e.store.read = make(chan chan struct{})
		retried := make(chan error, 1)
		go func() {
			_, err := e.repairs.Retry(e.t.Context(), e.over, nil)
			retried <- err
		}()
		goOn := <-e.store.read
		erasure := e.beginErasure()
		time.Sleep(time.Second)
		close(goOn)
		if err := <-retried; err != nil {
			e.t.Errorf("the retry: %v", err)
		}
		e.done(erasure)
		e.nothingLeft()
	})
}

// TestAnErasureRunAgainLooksAtWhatWasCopiedMeanwhile has an erasure interrupted behind its look at what waits.
func TestAnErasureRunAgainLooksAtWhatWasCopiedMeanwhile(t *testing.T) {
	withErasing(t, func(e *erasing) {
		if _, err := e.repairs.Retry(e.t.Context(), e.over, nil); err != nil {
			e.t.Fatal(err)
		}
		erasure := &task{jobs: e.jobs, ended: make(chan struct{}), rec: jobRecord{
			ID: "job_Z", Kind: erasureKind, State: front.JobRunning, Position: json.RawMessage(`{"cancelled":0,"live":true}`),
		}}
		erasure.rec.Spec, _ = json.Marshal(&erasureSpec{Subject: mallory}) //nolint:errchkjson // of digests and strings
		if err := e.erasure.run(e.t.Context(), erasure); err != nil {
			e.t.Fatal(err)
		}
		e.nothingLeft()
	})
}
