package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// gatewayConf says nothing about limits: what there is to know, the gateway finds out. Ids go with the webhooks, so that
// the destination's notes tell them apart.
const gatewayConf = `listen: %s
admin: %s
data: {dir: %s, min_free: 64MiB}
egress: {allow_nets: [127.0.0.0/8]}
policies: {default: {extends: braze, identity: webhook-id}}
log: {level: warn}
`

// rig is one destination and the gateway before it.
type rig struct {
	dir       string
	log       string // the destination's notes
	url       string // what webhooks are sent to
	host      string // the destination, as the gateway names it
	front     string // the gateway's front door
	processes []*process
	client    *http.Client
}

// assemble starts both. The rig must be closed, whatever becomes of the run.
func assemble(ctx context.Context, t Toolbox, d *Destination) (_ *rig, err error) {
	dir, err := os.MkdirTemp("", "sluice-real-")
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir, log: filepath.Join(dir, "answers.log"), client: &http.Client{Transport: &http.Transport{}}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", d.Name, err), r.close())
		}
	}()
	var addrs [3]string
	for i := range addrs {
		if addrs[i], err = loopback.FreeAddr(); err != nil {
			return nil, err
		}
	}
	r.host, r.url, r.front = addrs[0], "http://"+addrs[0]+"/hook", "http://"+addrs[1]
	r.processes, err = d.start(ctx, t, place{addr: addrs[0], dir: dir, log: r.log})
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "sluice.yaml")
	text := fmt.Appendf(nil, gatewayConf, addrs[1], addrs[2], filepath.Join(dir, "data"))
	if err = os.WriteFile(conf, text, 0o600); err != nil {
		return nil, err
	}
	p, err := serve(ctx, addrs[1], dir, "", t[gateway], "serve", "--config", conf)
	if err != nil {
		return nil, err
	}
	r.processes = append(r.processes, p)
	return r, nil
}

// close ends the gateway and then the destination, and removes their files.
func (r *rig) close() error {
	var faults []error
	for i := len(r.processes) - 1; i >= 0; i-- {
		faults = append(faults, r.processes[i].stop())
	}
	r.client.CloseIdleConnections()
	return errors.Join(append(faults, os.RemoveAll(r.dir))...)
}

// stopGateway ends the gateway alone: nothing more is sent.
func (r *rig) stopGateway() error {
	last := len(r.processes) - 1
	p := r.processes[last]
	r.processes = r.processes[:last]
	return p.stop()
}

// alive fails when a program of the rig has ended by itself.
func (r *rig) alive() error {
	for _, p := range r.processes {
		select {
		case <-p.ended:
			return p.fault("ended by itself: " + p.cmd.ProcessState.String())
		default:
		}
	}
	return nil
}

// batch is webhooks a request: the front door takes up to ten thousand, and gets its answer sooner with fewer.
const batch = 1000

// post has the gateway accept n webhooks for the destination and returns their ids.
func (r *rig) post(ctx context.Context, n int) ([]string, error) {
	ids := make([]string, 0, n)
	for posted := 0; posted < n; posted += batch {
		var lines bytes.Buffer
		for i := posted; i < min(posted+batch, n); i++ {
			fmt.Fprintf(&lines, "{\"url\":%q,\"body\":{\"n\":%d}}\n", r.url, i)
		}
		text, status, err := r.ask(ctx, http.MethodPost, "/v1/webhooks", &lines)
		if err != nil {
			return nil, fmt.Errorf("posting to the gateway: %w", err)
		}
		var answer struct{ Results []struct{ ID string } }
		if status != http.StatusAccepted {
			return nil, fmt.Errorf("posting to the gateway: answered %d: %s", status, text)
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return nil, fmt.Errorf("posting to the gateway: %w: %s", err, text)
		}
		for _, result := range answer.Results {
			ids = append(ids, result.ID)
		}
	}
	if len(ids) != n {
		return nil, fmt.Errorf("posting to the gateway: %d ids for %d webhooks", len(ids), n)
	}
	return ids, nil
}

// learned is what the gateway shows of the destination.
func (r *rig) learned(ctx context.Context) (json.RawMessage, error) {
	text, status, err := r.ask(ctx, http.MethodGet, "/v1/hosts/"+r.host, http.NoBody)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("GET /v1/hosts/%s: %d: %s", r.host, status, text)
	}
	return text, nil
}

func (r *rig) ask(ctx context.Context, method, path string, body io.Reader) (text []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, r.front+path, body)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	return text, resp.StatusCode, err
}
