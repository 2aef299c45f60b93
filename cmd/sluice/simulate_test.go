package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheScenarioThatComesWithSluiceHolds(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "timeline.svg")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"simulate", "../../configs/scenario.yaml", "--svg", picture, "-o", "json"}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	var report struct {
		Held  bool
		Flows []struct {
			Flow      string
			Delivered int
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || !report.Held || len(report.Flows) != 2 {
		t.Errorf("%v: %s", err, stdout.String())
	}
	if svg, err := os.ReadFile(picture); err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
		t.Errorf("picture: %v, %.40s", err, svg)
	}
}

func TestAGoalThatIsMissedIsAnExitStatus(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scenario.yaml")
	text := "hosts: [{host: a.example, limits: [1/s]}]\ncampaigns: [{count: 100, done_by: 10s}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"simulate", file}, &stdout, &stderr); code != exitFailed || !strings.Contains(stdout.String(), "NO") {
		t.Errorf("exit %d, want %d: %s", code, exitFailed, stdout.String())
	}
}

func TestEveryFaultOfAScenarioIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scenario.yaml")
	text := `hosts:
  - {host: a.example, limits: [fast], algorithm: leeky}
  - {limits: [10/s], outages: [{at: 1s, for: 0s, answer: 404}]}
campaigns:
  - {host: b.example, count: 0, priority: urgent}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run([]string{"simulate", file}, &stdout, &stderr)
	for _, want := range []string{
		"hosts[0].limits[0]", "hosts[0].algorithm", "hosts[1].host", "outages[0].answer", "outages[0].for", "campaigns[0].count",
		"campaigns[0].priority", "campaigns[0].host",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("exit %d; %s is not named in\n%s", code, want, stderr.String())
		}
	}
}
