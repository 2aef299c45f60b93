package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// binary builds sluice as a user would have it and returns its path.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sluice-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "sluice")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// program is a sluice process.
type program struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{}
}

// launch starts sluice and waits until it answers on addr.
func launch(t *testing.T, addr string, args ...string) *program {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.Command(bin, args...), ended: make(chan struct{})}
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return p
		}
		select {
		case <-p.ended:
			t.Fatalf("sluice %v ended: %s", args, p.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// terminate ends the program as an operator would.
func (p *program) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := loopback.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// arrivals counts the webhook-ids in a sink's log.
func arrivals(t *testing.T, log string) map[string]int {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct {
			WebhookID string `json:"webhook_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %q: %v", log, lines.Text(), err)
		}
		seen[line.WebhookID]++
	}
	return seen
}

const (
	crashRounds   = 20
	crashPosters  = 64
	crashAfter    = 250 // accepted in a round, at most, until the kill
	crashInFlight = 64  // egress.max_in_flight: bounds what one crash can send twice, with as many unsettled
)

// TestEveryAcceptedWebhookReachesItsDestinationThoughTheProcessIsKilledAgainAndAgain posts to the real binary under
// load and kills it, twenty times. What got a 202 must arrive; what arrives twice was in flight or not settled when
// the process died.
func TestEveryAcceptedWebhookReachesItsDestinationThoughTheProcessIsKilledAgainAndAgain(t *testing.T) {
	dir := t.TempDir()
	sinkLog := filepath.Join(dir, "sink.jsonl")
	sinkAddr, addr := freeAddr(t), freeAddr(t)
	sink := launch(t, sinkAddr, "sink", "--listen", sinkAddr, "--log", sinkLog)
	conf := filepath.Join(dir, "sluice.yaml")
	yaml := fmt.Sprintf("listen: %s\nadmin: 127.0.0.1:0\ndata: {dir: %s, min_free: 64MiB}\n"+
		"egress: {allow_nets: [127.0.0.0/8], max_in_flight: %d}\nlimits: {hosts: [{match: 127.0.0.1, start: unlimited}]}\n",
		addr, filepath.Join(dir, "data"), crashInFlight)
	if err := os.WriteFile(conf, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}

	accepted := map[string]string{} // webhook-id -> id
	for round := range crashRounds {
		gateway := launch(t, addr, "serve", "--config", conf)
		enough := make(chan struct{})
		left := 1 + rand.IntN(crashAfter) // until it is killed, in the middle of what the others post
		var mu sync.Mutex
		var posters sync.WaitGroup
		for p := range crashPosters {
			posters.Go(func() {
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for n := 0; ; n++ {
					key := fmt.Sprintf("%d-%d-%d", round, p, n)
					id, err := post(client, addr, sinkAddr, key)
					if err != nil {
						select {
						case <-gateway.ended: // killed
							return
						default: // a busy machine
							continue
						}
					}
					mu.Lock()
					accepted[key] = id
					if left--; left == 0 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		select {
		case <-enough:
		case <-gateway.ended:
			t.Fatalf("the gateway ended: %s", gateway.stderr.String())
		}
		gateway.kill()
		posters.Wait()
	}

	gateway := launch(t, addr, "serve", "--config", conf)
	for key, id := range accepted {
		for state(t, addr, id) != "delivered" {
			select {
			case <-gateway.ended:
				t.Fatalf("the gateway ended: %s", gateway.stderr.String())
			case <-t.Context().Done():
				t.Fatalf("%s (%s) is not delivered", key, id)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	gateway.terminate(t)
	sink.terminate(t)
	seen := arrivals(t, sinkLog)
	duplicates := 0
	for key := range accepted {
		if seen[key] == 0 {
			t.Errorf("%s was accepted and said to be delivered, and never arrived", key)
		}
		duplicates += max(0, seen[key]-1)
	}
	t.Logf("%d accepted in %d rounds, %d sent twice", len(accepted), crashRounds, duplicates)
	if most := crashRounds * 2 * crashInFlight; duplicates > most {
		t.Errorf("%d were sent twice, want at most %d", duplicates, most)
	}
}

func post(client *http.Client, addr, sink, key string) (id string, err error) {
	body := fmt.Sprintf(`{"url":"http://%s/hook","headers":{"webhook-id":%q},"body":{"n":%q}}`, sink, key, key)
	resp, err := client.Post("http://"+addr+"/v1/webhooks", "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var answer struct{ ID string }
	if resp.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%s: %s", resp.Status, text)
	}
	err = json.Unmarshal(text, &answer)
	return answer.ID, err
}

// state asks how a webhook that was accepted stands; "" where there is no answer, which on a busy machine means nothing.
func state(t *testing.T, addr, id string) string {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/v1/webhooks/" + id)
	if err != nil {
		t.Logf("%s: %v", id, err)
		return ""
	}
	defer resp.Body.Close()
	var shown struct{ State string }
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, which was accepted: %s", id, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil {
		t.Fatal(err)
	}
	return shown.State
}
