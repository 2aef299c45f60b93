package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sluice-gateway/sluice/persist/record"
)

// sending posts webhooks to a gateway and asks what became of them. It outlives restarts of the gateway: each webhook
// has a webhook-id of its own, which is its idempotency key too, so that a post whose answer was lost is repeated
// without a second webhook coming of it.
type sending struct {
	gateway    string
	token      string // empty: none is presented
	definition map[string]any
	client     *http.Client
	progress   *progress
}

// errRefused is an answer that asking again would not change.
var errRefused = errors.New("refused")

// post posts count webhooks and returns the ids of those accepted.
func (s *sending) post(ctx context.Context, count, concurrency int) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ids := make([]string, count)
	var next, accepted atomic.Int64
	var fault atomic.Pointer[error]
	var wg sync.WaitGroup
	for range min(concurrency, count) {
		wg.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= count || ctx.Err() != nil {
					return
				}
				id, err := s.postOne(ctx)
				if err != nil {
					fault.CompareAndSwap(nil, &err) // the first one tells most
					cancel(err)
					return
				}
				ids[n] = id
				s.progress.accepted(int(accepted.Add(1)))
			}
		})
	}
	wg.Wait()
	got := ids[:0]
	for _, id := range ids {
		if id != "" {
			got = append(got, id)
		}
	}
	if err := fault.Load(); err != nil {
		return got, *err
	}
	return got, context.Cause(ctx)
}

// postOne posts one webhook, again and again while the gateway cannot be reached or asks to wait.
func (s *sending) postOne(ctx context.Context) (string, error) {
	id := ulid.Make().String()
	d := maps.Clone(s.definition)
	headers, _ := d["headers"].([][2]string)
	d["headers"] = append(headers[:len(headers):len(headers)], [2]string{"webhook-id", id})
	body, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("encoding the definition: %w", err)
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		var answer struct{ ID string }
		after, err := s.ask(ctx, http.MethodPost, "/v1/webhooks", id, body, &answer)
		if err == nil {
			return answer.ID, nil
		}
		if errors.Is(err, errRefused) {
			return "", err
		}
		if !pause(ctx, max(wait, after)) {
			return "", fmt.Errorf("posting to %s: %w", s.gateway, err)
		}
	}
}

// ask makes one call. An error that is not errRefused may pass: it is worth asking again, not before after.
func (s *sending) ask(ctx context.Context, method, path, key string, body []byte, answer any) (after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.gateway+path, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%w: --gateway %q: %w", errRefused, s.gateway, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := s.client.Do(req)
	if errors.As(err, new(*tls.CertificateVerificationError)) {
		return 0, fmt.Errorf("%w: %w; want --ca with the authority that signed the gateway's certificate", errRefused, err)
	}
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return 0, err
	}
	switch {
	case resp.StatusCode < 300:
		return 0, json.Unmarshal(text, answer)
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return time.Duration(seconds) * time.Second, refusal(resp, text)
	}
	return 0, fmt.Errorf("%w: %w", errRefused, refusal(resp, text))
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

const (
	asked        = 64                    // webhooks asked after in one round, of those that wait
	roundEvery   = 50 * time.Millisecond // while few have ended since; longer while none has
	slowestRound = 250 * time.Millisecond
	lastLook     = 10 * time.Second // for one more look at each when the time is up
)

// await asks after webhooks until all have ended: in the order of acceptance, which is nearly the order in which they
// end, so many of those that wait at a time. When ctx ends it looks at each of the others once more.
func (s *sending) await(ctx context.Context, ids []string, concurrency int, r *sendResult) {
	var waiting []string
	next := 0
	for wait := roundEvery; ctx.Err() == nil; {
		for len(waiting) < asked && next < len(ids) {
			waiting = append(waiting, ids[next])
			next++
		}
		if len(waiting) == 0 {
			return
		}
		before := len(waiting)
		waiting = s.look(ctx, waiting, concurrency, r)
		s.progress.ended(r.Accepted - r.Pending)
		switch {
		case len(waiting) <= before/2: // they end as fast as they are asked after
			wait = roundEvery
			continue
		case len(waiting) < before:
			wait = roundEvery
		default:
			wait = min(wait*3/2, slowestRound)
		}
		pause(ctx, wait)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	s.look(last, append(waiting, ids[next:]...), concurrency, r)
}

// look asks after each webhook once, counts those that have ended and returns the others.
func (s *sending) look(ctx context.Context, ids []string, concurrency int, r *sendResult) []string {
	states := make([]record.State, len(ids))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(concurrency, len(ids)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(ids)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				states[i] = s.state(ctx, ids[i])
			}
		})
	}
	wg.Wait()
	waiting := ids[:0]
	for i, state := range states {
		if !r.count(state) {
			waiting = append(waiting, ids[i])
		}
	}
	return waiting
}

// count notes the end of a webhook; false: it has not ended.
func (r *sendResult) count(state record.State) bool {
	switch state {
	case record.Delivered:
		r.Delivered++
	case record.Failed:
		r.Failed++
	case record.Expired:
		r.Expired++
	case record.Cancelled:
		r.Cancelled++
	default:
		return false
	}
	r.Pending--
	return true
}

func (s *sending) state(ctx context.Context, id string) record.State {
	var shown struct{ State record.State }
	if _, err := s.ask(ctx, http.MethodGet, "/v1/webhooks/"+id, "", nil, &shown); err != nil {
		return "" // not now: asked again later
	}
	return shown.State
}
