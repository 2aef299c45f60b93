package front_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// memory is a store that forgets.
type memory struct {
	mu       sync.Mutex
	err      error
	panic    bool
	deposits []persist.Deposit
	keys     map[[32]byte]int // the job that a key stands for
	views    map[record.ID]*persist.View
	begun    chan struct{} // when not nil: told of each Enqueue, which then waits for go
	goOn     chan struct{}
}

func id(n int) record.ID {
	var i record.ID
	_ = i.SetTime(uint64(1_769_851_800_000 + n)) // 2026-01-31T09:30:00Z
	return i
}

func (m *memory) Enqueue(_ context.Context, deposits []persist.Deposit) ([]persist.Receipt, error) {
	if m.begun != nil {
		m.begun <- struct{}{}
		<-m.goOn
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.panic {
		panic("the store is broken")
	}
	if m.err != nil {
		return nil, m.err
	}
	if receipts := m.refused(deposits); receipts != nil {
		return receipts, nil
	}
	var receipts []persist.Receipt
	for _, j := range deposits {
		if j.Idempotency != nil {
			if known, ok := m.keys[j.Idempotency.Key]; ok {
				r := persist.Receipt{ID: id(known), Verdict: persist.Existing}
				if m.deposits[known].Idempotency.Fingerprint != j.Idempotency.Fingerprint {
					r = persist.Receipt{Verdict: persist.Conflict}
				}
				receipts = append(receipts, r)
				continue
			}
			m.keys[j.Idempotency.Key] = len(m.deposits)
		}
		receipts = append(receipts, persist.Receipt{ID: id(len(m.deposits))})
		m.deposits = append(m.deposits, j)
	}
	return receipts, nil
}

// refused are the verdicts of a whole group of which a key is known for something else; nil: it is none.
func (m *memory) refused(deposits []persist.Deposit) []persist.Receipt {
	receipts, conflicts := make([]persist.Receipt, len(deposits)), 0
	for i, j := range deposits {
		receipts[i].Verdict = persist.Refused
		if j.Idempotency == nil {
			continue
		}
		if known, ok := m.keys[j.Idempotency.Key]; ok && m.deposits[known].Idempotency.Fingerprint != j.Idempotency.Fingerprint {
			receipts[i].Verdict = persist.Conflict
			conflicts++
		}
	}
	if !deposits[0].Whole || conflicts == 0 {
		return nil
	}
	return receipts
}

func (m *memory) Webhook(_ context.Context, id record.ID) (*persist.View, error) {
	if v, ok := m.views[id]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("webhook %s: %w", id, persist.ErrNotFound)
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.deposits)
}

func (m *memory) stored(t *testing.T) []*record.Webhook {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*record.Webhook
	for _, j := range m.deposits {
		w, err := record.DecodeWebhook(j.Payload)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// known is what the sending side says.
type known struct {
	waiting map[record.ID]*front.Waiting
	hosts   []front.HostView
	flows   []front.FlowView
	err     error
	done    []string // by an operator's hand, and to which host
}

func (k *known) Waiting(_ context.Context, _ *record.Webhook, e *record.Entry) (*front.Waiting, error) {
	return k.waiting[e.ID], k.err
}
func (k *known) Hosts(
	_ context.Context, after string, limit int, wanted func(host string) bool,
) (page []front.HostView, more bool, err error) {
	for _, h := range k.hosts {
		if h.Host > after && wanted(h.Host) {
			page = append(page, h)
		}
	}
	return page[:min(len(page), limit)], len(page) > limit, k.err
}

func (k *known) Host(_ context.Context, host string) (*front.HostView, error) {
	for i := range k.hosts {
		if k.hosts[i].Host == host {
			return &k.hosts[i], k.err
		}
	}
	return nil, k.err
}

func (k *known) Resume(ctx context.Context, host string) (*front.HostView, error) {
	k.done = append(k.done, "resume "+host)
	return k.Host(ctx, host)
}

func (k *known) Forget(ctx context.Context, host string) (*front.HostView, error) {
	k.done = append(k.done, "forget "+host)
	return k.Host(ctx, host)
}

func (k *known) Pause(ctx context.Context, host string) (*front.HostView, error) {
	k.done = append(k.done, "pause "+host)
	return k.Host(ctx, host)
}

func (k *known) ForceBreaker(ctx context.Context, host, state string) (*front.HostView, error) {
	k.done = append(k.done, state+" "+host)
	return k.Host(ctx, host)
}

// door is a front door on an in-memory listener.
type door struct {
	tb    testing.TB
	front *front.Front
	ln    *fasthttputil.InmemoryListener
	store *memory
	hosts *known
	log   *bytes.Buffer
}

func open(tb testing.TB, change ...func(*front.Settings)) *door {
	tb.Helper()
	policies := configs.DefaultPolicies()
	d := &door{
		tb: tb, ln: fasthttputil.NewInmemoryListener(), hosts: &known{}, log: &bytes.Buffer{},
		store: &memory{keys: map[[32]byte]int{}, views: map[record.ID]*persist.View{}},
	}
	set := front.Settings{Store: d.store, Why: d.hosts.Waiting, Hosts: d.hosts, Flows: d.hosts, Log: zerolog.New(d.log), NoDate: true}
	set.Policies = func() policy.Set { return policies }
	for _, c := range change {
		c(&set)
	}
	d.front = front.New(set)
	served := make(chan error, 1)
	go func() { served <- d.front.Serve(d.ln) }()
	tb.Cleanup(func() {
		if err := d.front.Shutdown(context.Background()); err != nil {
			tb.Error(err)
		}
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return d
}

// raw sends bytes over one connection, then nothing more, and returns what comes back until the connection ends or is idle.
func (d *door) raw(request string) []*response {
	d.tb.Helper()
	conn, err := d.ln.Dial()
	if err != nil {
		d.tb.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.WriteString(conn, request) }()
	return readResponses(conn, 1)
}

// response is an answer, read whole.
type response struct {
	*http.Response
	body string
}

// readResponses reads n responses, or as many as come before the connection ends.
func readResponses(conn net.Conn, n int) []*response {
	var all []*response
	br := bufio.NewReader(conn)
	for range n {
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			return all
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return all
		}
		all = append(all, &response{res, string(body)})
	}
	return all
}

// ask sends one well-formed request; fields are lines such as "Idempotency-Key: k".
func (d *door) ask(method, path, body string, fields ...string) *response {
	d.tb.Helper()
	request := method + " " + path + " HTTP/1.1\r\nHost: localhost:8480\r\n"
	for _, f := range fields {
		request += f + "\r\n"
	}
	if body != "" {
		request += "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	all := d.raw(request + "\r\n" + body)
	if len(all) != 1 {
		d.tb.Fatalf("%s %s: no answer", method, path)
	}
	return all[0]
}

func (d *door) post(body string, fields ...string) *response {
	d.tb.Helper()
	return d.ask("POST", "/v1/webhooks", body, fields...)
}

func want(t *testing.T, r *response, status int, body string) {
	t.Helper()
	if r.StatusCode != status || r.body != body {
		t.Errorf("got %d %s\nwant %d %s", r.StatusCode, r.body, status, body)
	}
}

// wantProblem checks the status and the type of a problem.
func wantProblem(t *testing.T, r *response, status int, slug string) {
	t.Helper()
	if r.StatusCode != status || !strings.Contains(r.body, `"type":"https://sluice-gateway.github.io/problems/`+slug+`"`) ||
		r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s %s\nwant %d, a problem of type %s", r.StatusCode, r.Header.Get("Content-Type"), r.body, status, slug)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(wanted) {
		t.Errorf("%s differs; go test -update shows how. Got:\n%s", path, got)
	}
}

func TestPanicCostsOneRequestItsAnswer(t *testing.T) {
	d := open(t)
	d.store.panic = true
	wantProblem(t, d.post(`{"url":"https://a.example/?token=s3cret"}`), 500, "internal")
	if log := d.log.String(); !strings.Contains(log, "the store is broken") || !strings.Contains(log, "front_test.go") || strings.Contains(log, "s3cret") {
		t.Errorf("logged %s", log)
	}
	d.store.panic = false
	want(t, d.post(`{"url":"https://a.example/"}`), 202, `{"id":"`+id(0).String()+`"}`)
}

func TestShutdownFinishesWhatRunsAndTakesNothingNew(t *testing.T) {
	d := open(t)
	d.store.begun, d.store.goOn = make(chan struct{}), make(chan struct{})
	answers := make(chan *response, 1)
	go func() { answers <- d.post(`{"url":"https://a.example/"}`) }()
	<-d.store.begun
	down := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { down <- d.front.Shutdown(ctx) }()
	for { // until the listener is closed
		conn, err := d.ln.Dial()
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(d.store.goOn)
	want(t, <-answers, 202, `{"id":"`+id(0).String()+`"}`)
	if err := <-down; err != nil {
		t.Error(err)
	}
}

func TestShutdownSaysWhenItGivesUp(t *testing.T) {
	d := open(t)
	d.store.begun, d.store.goOn = make(chan struct{}), make(chan struct{})
	answers := make(chan *response, 1)
	go func() { answers <- d.post(`{"url":"https://a.example/"}`) }()
	<-d.store.begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.front.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(d.store.goOn)
	<-answers
}
