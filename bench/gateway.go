package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// running is a gateway under test.
type running struct {
	*process
	bin, conf    string
	front, admin string
}

// serveGateway writes a configuration into dir, which is made, and starts the gateway with it. more is YAML beside
// addresses, data and allow_nets.
func serveGateway(ctx context.Context, bin, dir, more string) (*running, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	g := &running{bin: bin, conf: filepath.Join(dir, "sluice.yaml")}
	var err error
	if g.front, err = loopback.FreeAddr(); err != nil {
		return nil, err
	}
	if g.admin, err = loopback.FreeAddr(); err != nil {
		return nil, err
	}
	yaml := fmt.Sprintf("listen: %s\nadmin: %s\ndata: {dir: %s}\negress: {allow_nets: [127.0.0.0/8]}\nlog: {level: error}\n%s",
		g.front, g.admin, filepath.Join(dir, "data"), more)
	if err := os.WriteFile(g.conf, []byte(yaml), 0o600); err != nil {
		return nil, err
	}
	return g, g.restart(ctx)
}

// restart starts the gateway on the data it has.
func (g *running) restart(ctx context.Context) error {
	p, err := start(ctx, g.front, g.bin, "serve", "--config", g.conf)
	if err == nil {
		g.process = p
	}
	return err
}

// kill ends the gateway as a power cut would end its process.
func (g *running) kill() {
	_ = g.cmd.Process.Signal(syscall.SIGKILL)
	_ = g.cmd.Wait()
}

// post posts to the gateway's front door and reads its JSON answer into to, unless that is nil.
func (g *running) post(path string, body, to any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+g.front+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := new(bytes.Buffer)
	if _, err := answer.ReadFrom(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("POST %s: %s: %s", path, resp.Status, answer)
	}
	if to == nil {
		return nil
	}
	return json.Unmarshal(answer.Bytes(), to)
}

// definition is what is posted.
type definition struct {
	URL      string            `json:"url"`
	Flow     string            `json:"flow,omitempty"`
	Priority string            `json:"priority,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Body     string            `json:"body,omitempty"`
}

// batchSize is how many definitions are posted at once where speed is all that matters.
const batchSize = 1000

// postAll posts definitions in batches over a few connections and returns the ids that were answered, in no order.
func (g *running) postAll(ctx context.Context, n int, each func(i int) definition) (ids []string, err error) {
	const connections = 4
	type answer struct {
		ids []string
		err error
	}
	answers := make(chan answer)
	batches := make(chan int)
	go func() {
		defer close(batches)
		for from := 0; from < n && ctx.Err() == nil; from += batchSize {
			batches <- from
		}
	}()
	for range connections {
		go func() {
			var a answer
			for from := range batches {
				got, err := g.postBatch(from, min(from+batchSize, n), each)
				a.ids, a.err = append(a.ids, got...), errors.Join(a.err, err)
			}
			answers <- a
		}()
	}
	for range connections {
		a := <-answers
		ids, err = append(ids, a.ids...), errors.Join(err, a.err)
	}
	return ids, errors.Join(err, ctx.Err())
}

func (g *running) postBatch(from, to int, each func(i int) definition) ([]string, error) {
	batch := struct {
		Webhooks []definition `json:"webhooks"`
	}{}
	for i := from; i < to; i++ {
		batch.Webhooks = append(batch.Webhooks, each(i))
	}
	var answer struct {
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
	}
	if err := g.post("/v1/webhooks", batch, &answer); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(answer.Results))
	for _, r := range answer.Results {
		ids = append(ids, r.ID)
	}
	if len(ids) != to-from {
		return ids, fmt.Errorf("%d of %d definitions were accepted", len(ids), to-from)
	}
	return ids, nil
}

// missing counts those of a sample of ids that the gateway knows nothing of.
func (g *running) missing(ids []string, sample int) (missing int, err error) {
	step := max(1, len(ids)/sample)
	for i := 0; i < len(ids); i += step {
		status, _, err := fasthttp.GetTimeout(nil, "http://"+g.front+"/v1/webhooks/"+ids[i], 10*time.Second)
		if err != nil {
			return missing, err
		}
		if status != http.StatusOK {
			missing++
		}
	}
	return missing, nil
}
