//go:build unix

package signer

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

func TestASecretFileThatIsAPipeIsRefusedAtOnce(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSigner(policy.Signature{Scheme: "github", SecretFile: pipe}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v, want it refused as no file", err)
	}
}
