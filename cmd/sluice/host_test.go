package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestHostsAndFlowsAreSteeredFromTheCommandLine has a real gateway, and a destination that nothing listens at.
func TestHostsAndFlowsAreSteeredFromTheCommandLine(t *testing.T) {
	c := serving(t, "")
	nowhere := freeAddr(t)
	ask := func(want int, args ...string) (stdout string) {
		t.Helper()
		code, stdout, stderr := sluice(t, append(args, "--gateway", "http://"+c.front)...)
		if code != want {
			t.Fatalf("sluice %s: exit %d, want %d: %s%s", strings.Join(args, " "), code, want, stdout, stderr)
		}
		return stdout
	}
	contains := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	contains(ask(0, "host", "pause", nowhere), "paused     by an operator, ", "breaker    closed", "an operator holds the host")
	for range 3 {
		body := strings.NewReader(fmt.Sprintf(`{"url":"http://%s/x","flow":"spring sale/1"}`, nowhere))
		resp, err := http.Post("http://"+c.front+"/v1/webhooks", "application/json", body) //nolint:noctx // it ends with the test
		if err != nil || resp.StatusCode != http.StatusAccepted {
			t.Fatalf("%v %v", resp, err)
		}
		resp.Body.Close()
	}
	contains(ask(0, "host", "list"), "HOST", nowhere, "paused", "held")
	contains(ask(0, "host", "show", nowhere), "spring sale/1", "cap        held: an operator holds the host", "waiting    3")
	contains(ask(0, "flow", "pause", "spring sale/1"), "held", "3")
	contains(ask(0, "host", "open", nowhere), "opened by an operator")
	contains(ask(0, "host", "auto", nowhere), "released by an operator")
	contains(ask(0, "host", "close", nowhere), "closed by an operator")
	ask(0, "host", "resume", nowhere)
	contains(ask(0, "flow", "list", "--tenant", "default"), "FLOW", "spring sale/1", "held")
	contains(ask(0, "flow", "cancel", "spring sale/1", "--wait"), "CANCELLED", "done", "3")
	var flow struct {
		State     string
		Cancelled int
	}
	if text := ask(0, "flow", "show", "spring sale/1", "-o", "json"); json.Unmarshal([]byte(text), &flow) != nil || flow.State != "held" || flow.Cancelled != 3 {
		t.Errorf("the flow is shown as %s", text)
	}
	ask(0, "flow", "resume", "spring sale/1")
	ask(0, "host", "forget", nowhere)
	ask(1, "host", "show", "nobody.example")
	ask(1, "flow", "resume", "nothing")
	ask(2, "host", "show")
	ask(2, "flow", "pause")
	if code, _, stderr := sluice(t, "host", "list", "--gateway", "nonsense"); code != 2 || !strings.Contains(stderr, "--gateway") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
