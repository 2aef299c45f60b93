package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/configs"
)

// policyRun runs `sluice policy`.
func policyRun(args ...string) (code int, stdout, stderr string) {
	var out, talk bytes.Buffer
	code = run(append([]string{"policy"}, args...), &out, &talk)
	return code, out.String(), talk.String()
}

func TestPolicyShowSaysEverythingThatHolds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, []byte("policies: {pulses: {extends: chariow-2026, timeout: 20s}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := policyRun("show", "pulses", "-c", file)
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, line := range []string{
		"# pulses extends chariow-2026 extends chariow extends none", "schemes: [https]", "timeout: 20s",
		"  list: [10s, 1m40s, 16m40s, 2h46m40s]", "  exhausted: 1", "- {scheme: chariow}",
	} {
		if !strings.Contains(stdout, line+"\n") {
			t.Errorf("no line %q in\n%s", line, stdout)
		}
	}
}

func TestPolicyShowOfASourceIsThePresetsFile(t *testing.T) {
	want, _ := configs.PresetFile("braze")
	if code, stdout, stderr := policyRun("show", "--source", "braze"); code != 0 || stdout != string(want) {
		t.Errorf("exit %d, %q: %s", code, stderr, stdout)
	}
}

func TestPolicyListNamesPresetsAndTheFilesPolicies(t *testing.T) {
	code, stdout, _ := policyRun("list", "-o", "json")
	var list []configs.PolicyInfo
	if err := json.Unmarshal([]byte(stdout), &list); code != 0 || err != nil {
		t.Fatalf("exit %d: %v in %s", code, err, stdout)
	}
	presets := 0
	for _, p := range list {
		if p.Preset {
			presets++
		} else if p.Name != "default" || strings.Join(p.Extends, " ") != "braze" {
			t.Errorf("a policy %+v", p)
		}
	}
	if presets != len(configs.PresetNames()) {
		t.Errorf("%d presets, want %d", presets, len(configs.PresetNames()))
	}
}

func TestPolicyThatIsNotThereIsAMistakeOfUse(t *testing.T) {
	for _, args := range [][]string{{"show", "brase"}, {"show", "--source", "default"}} {
		code, stdout, stderr := policyRun(args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "braze") {
			t.Errorf("%v: exit %d, %q, %q", args, code, stdout, stderr)
		}
	}
}
