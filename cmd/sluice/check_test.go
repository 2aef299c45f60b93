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

// checked runs `sluice check` over files with these contents; names are theirs, in order.
func checked(t *testing.T, flags []string, contents ...string) (code int, stdout, stderr string, names []string) {
	t.Helper()
	for i, text := range contents {
		name := filepath.Join(t.TempDir(), string(rune('a'+i))+".yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	var out, talk bytes.Buffer
	code = run(append(append([]string{"check"}, flags...), names...), &out, &talk)
	return code, out.String(), talk.String(), names
}

func TestCheckSaysInOneLineThatAFileIsValid(t *testing.T) {
	code, stdout, stderr, names := checked(t, nil, string(configs.Reference))
	want := names[0] + ": valid; listens on 127.0.0.1:8480, data in ./data, 0 hosts, 1 policy\n"
	if code != 0 || stdout != "" || stderr != want {
		t.Errorf("exit %d, stdout %q, stderr %q; want 0, nothing, %q", code, stdout, stderr, want)
	}
}

func TestCheckNamesTheFaultsOfAllFiles(t *testing.T) {
	code, stdout, _, names := checked(t, nil, "listen: :1\nlog: {level: loud}\n", "", "lissten: x\n")
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if code != exitFailed || len(lines) != 3 {
		t.Fatalf("exit %d with %d lines:\n%s\nwant %d and one line for each of three faults", code, len(lines), stdout, exitFailed)
	}
	for i, prefix := range []string{names[0] + ":1: listen:", names[0] + ":2: log.level: loud:", names[2] + ":1: lissten:"} {
		if !strings.HasPrefix(lines[i], prefix) {
			t.Errorf("line %d is %q, want it to begin with %q", i+1, lines[i], prefix)
		}
	}
}

func TestCheckPrintsFaultsAsJSON(t *testing.T) {
	code, stdout, _, names := checked(t, []string{"-o", "json"}, "egress:\n  ports: [0]\n")
	var got struct {
		Valid  bool            `json:"valid"`
		Faults []configs.Fault `json:"faults"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	want := configs.Fault{
		File: names[0], Line: 2, Column: 11, Path: "egress.ports[0]",
		Value: "0", Problem: "is too small", Want: "1 to 65535",
	}
	if code != exitFailed || got.Valid || len(got.Faults) != 1 || got.Faults[0] != want {
		t.Errorf("exit %d, %+v; want %d, not valid, %+v", code, got, exitFailed, want)
	}
}

func TestCheckOfAValidFileIsJSONToo(t *testing.T) {
	code, stdout, _, _ := checked(t, []string{"-o", "json"}, "")
	if code != 0 || stdout != "{\n  \"valid\": true,\n  \"faults\": []\n}\n" {
		t.Errorf("exit %d, stdout %s; want 0 and an empty list of faults", code, stdout)
	}
}

func TestCheckFailsOnAFileThatIsNotThere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none.yaml")
	var stdout, stderr bytes.Buffer
	code := run([]string{"check", name}, &stdout, &stderr)
	want := name + ": cannot be read: no such file or directory; want a readable file\n"
	if code != exitFailed || stdout.String() != want {
		t.Errorf("exit %d, stdout %q; want %d, %q", code, stdout.String(), exitFailed, want)
	}
}

func TestCheckWithoutAFileIsWrongUsage(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"check"}, &stdout, &stderr); code != exitUsage {
		t.Errorf("exit %d, want %d", code, exitUsage)
	}
}
