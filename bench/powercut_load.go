package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// promise is a webhook that got a 202.
type promise struct {
	name string // its webhook-id header
	id   string
	kind int // its destination
	flow string
	key  string // its idempotency key, or none
	late bool   // it was answered after the power was cut
}

// load is what clients do to the gateway, and what they were promised.
type load struct {
	there       *destinations
	front       string // the gateway's front door
	connections int
	round       int
	late        atomic.Bool // the power is cut
	before      int         // of accepted, when start was called

	mu       sync.Mutex
	accepted []promise
}

// The destinations: most webhooks end at their first try and never leave the journal; some fail once and are tried
// again; and a backlog grows, with its rows in the live database.
const (
	quick = iota
	flaky
	slow
	kinds
)

// configure writes the gateway's configuration.
func (l *load) configure(dir, data string) (path string, err error) {
	if l.front, err = loopback.FreeAddr(); err != nil {
		return "", err
	}
	path = filepath.Join(dir, "sluice.yaml")
	yaml := fmt.Sprintf("listen: %s\nadmin: 127.0.0.1:0\ndata: {dir: %s, min_free: 64MiB}\negress: {allow_nets: [127.0.0.0/8]}\n"+
		"limits: {hosts: [{match: 127.0.0.1, start: unlimited}, {match: 127.0.0.2, start: unlimited}, {match: 127.0.0.3, fixed: 1/s}]}\n",
		l.front, filepath.Join(data, "sluice"))
	return path, os.WriteFile(path, []byte(yaml), 0o600)
}

// start posts over all connections until stop is called, which returns when the last one has its answer.
func (l *load) start(ctx context.Context) (stop func()) {
	l.before = len(l.accepted)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for c := range l.connections {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				l.post(client, c, n)
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// underWay returns when something was accepted since start.
func (l *load) underWay(ctx context.Context) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		l.mu.Lock()
		now := len(l.accepted)
		l.mu.Unlock()
		if now > l.before {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
	return errors.New("the gateway accepts nothing: that proves nothing")
}

// post asks for one webhook, or for a batch of some; now and then with an idempotency key, or for a new queue.
func (l *load) post(client *http.Client, c, n int) {
	count := 1
	if n%8 == 7 {
		count = 16
	}
	ps, definitions := make([]promise, count), make([]string, count)
	for i := range ps {
		p := promise{name: fmt.Sprintf("%d-%d-%d-%d", l.round, c, n, i), kind: kindOf(n + i), flow: "default"}
		switch n % 8 {
		case 3:
			p.flow = fmt.Sprintf("%d-%d", c, n/8%64)
		case 5:
			p.key = p.name
		}
		ps[i], definitions[i] = p, l.definition(&p)
	}
	body := strings.Join(definitions, "\n")
	answers, err := ask(client, "http://"+l.front, ps[0].key, body)
	late := l.late.Load()
	if err != nil || len(answers) != len(ps) {
		return // nothing was promised
	}
	for i := range ps {
		ps[i].id, ps[i].late = answers[i], late
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted = append(l.accepted, ps...)
}

// kindOf sends one in eight to the flaky destination, and one in sixteen to the slow one.
func kindOf(n int) int {
	switch n % 16 {
	case 4, 13:
		return flaky
	case 9:
		return slow
	default:
		return quick
	}
}

// definition is the same for the same promise whenever it is asked for.
func (l *load) definition(p *promise) string {
	size := 200 + crc32.ChecksumIEEE([]byte(p.name))%4000
	return fmt.Sprintf(`{"url":"http://%s/hook","flow":%q,"headers":{"webhook-id":%q},"body":%q}`,
		l.there.addr(p.kind), p.flow, p.name, strings.Repeat("x", int(size)))
}

// ask posts definitions, one a line, and returns the ids that a 202 gave them.
func ask(client *http.Client, front, key, body string) (ids []string, err error) {
	req, err := http.NewRequest(http.MethodPost, front+"/v1/webhooks", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.Contains(body, "\n") {
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	text, status, err := exchange(client, req)
	if err != nil || status != http.StatusAccepted {
		return nil, errors.Join(err, fmt.Errorf("answered %d: %s", status, text))
	}
	var answer struct {
		ID      string
		Results []struct{ ID string }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if answer.ID != "" {
		return []string{answer.ID}, nil
	}
	for _, r := range answer.Results {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

func exchange(client *http.Client, req *http.Request) (text []byte, status int, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	return text, resp.StatusCode, err
}

// check asks the gateway for everything it promised.
func (l *load) check(ctx context.Context, promises []promise) (k kept, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var next atomic.Int64
	deadline := time.Now().Add(2 * time.Minute) // until which all that can be delivered must be
	for range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := next.Add(1) - 1; i < int64(len(promises)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				one, fault := l.ask(ctx, client, &promises[i], deadline)
				mu.Lock()
				k.add(one, promises[i].late)
				err = errors.Join(err, fault)
				mu.Unlock()
				if fault != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return k, errors.Join(err, ctx.Err())
}

// ask finds out what became of one promise.
func (l *load) ask(ctx context.Context, client *http.Client, p *promise, deadline time.Time) (k kept, err error) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.front+"/v1/webhooks/"+p.id, nil)
		if err != nil {
			return k, err
		}
		text, status, err := exchange(client, req)
		if err != nil {
			return k, err
		}
		var shown struct{ State string }
		if status != http.StatusOK {
			fmt.Fprintf(os.Stderr, "missing: %+v: %d: %s\n", *p, status, bytes.TrimSpace(text))
			k.missing++
			return k, nil
		}
		if err := json.Unmarshal(text, &shown); err != nil {
			return k, err
		}
		if shown.State != "delivered" && p.kind == quick && time.Now().Before(deadline) {
			select {
			case <-ctx.Done():
				return k, ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
			continue
		}
		if arrived := l.there.has(p.name); shown.State == "delivered" && !arrived || shown.State != "delivered" && p.kind == quick {
			fmt.Fprintf(os.Stderr, "%s, arrived %v: %+v\n", shown.State, arrived, *p)
			k.undelivered++
		}
		break
	}
	if p.key != "" {
		ids, err := ask(client, "http://"+l.front, p.key, l.definition(p))
		if err != nil || len(ids) != 1 || ids[0] != p.id {
			fmt.Fprintf(os.Stderr, "its key is known for %v, %v: %+v\n", ids, err, *p)
			k.keys++
		}
	}
	return k, nil
}

// destinations answer on addresses of their own, so that each is a host.
type destinations struct {
	listeners [kinds]net.Listener
	servers   [kinds]*http.Server
	mu        sync.Mutex
	seen      map[string]bool
}

func newDestinations() (*destinations, error) {
	d := &destinations{seen: map[string]bool{}}
	for i := range d.listeners {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:0", 1+i))
		if err != nil {
			d.close()
			return nil, err
		}
		d.listeners[i] = l
		d.servers[i] = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) { d.answer(i, w, r) })}
		go d.servers[i].Serve(l) //nolint:errcheck // it ends with the run
	}
	return d, nil
}

// answer notes who came. A flaky destination fails every third webhook once.
func (d *destinations) answer(kind int, w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("webhook-id")
	d.mu.Lock()
	defer d.mu.Unlock()
	if again := "again " + name; kind == flaky && len(d.seen)%3 == 0 && !d.seen[again] {
		d.seen[again] = true
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	d.seen[name] = true
}

func (d *destinations) has(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[name]
}

func (d *destinations) addr(kind int) string { return d.listeners[kind].Addr().String() }

func (d *destinations) close() {
	for _, s := range d.servers {
		if s != nil {
			_ = s.Close()
		}
	}
}
