//go:build unix

package gateway_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

// A pipe would hold that reload, and all after it, until somebody writes to it.
func TestFilesOfAConfigurationThatAreNoneAreNamedAtOnce(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"tls":                        "tls: {cert: %[1]q, key: %[1]q}",
		"tls.client_ca":              "tls: {cert: /nowhere, key: /nowhere, client_ca: %q}",
		"egress.hosts[0].ca":         "egress: {hosts: [{match: a.example, ca: %q}]}",
		"policies.signed.sign":       "policies: {signed: {extends: braze, sign: [{scheme: github, secret_file: %q}]}}",
		"credentials.crm.value_file": "credentials: {crm: {hosts: [a.example], header: X-Key, value_file: %q}}",
		"credentials.e.oauth2.client_secret_file": "credentials: {e: {hosts: [a.example], oauth2: {token_url: 'https://a.example/', client_id: c, client_secret_file: %q}}}",
	} {
		conf, err := configs.Parse("sluice.yaml", fmt.Appendf(nil, text, pipe))
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan string, 1)
		go func() { told <- gateway.CheckFiles(conf).Error() }()
		select {
		case faults := <-told:
			if !strings.Contains(faults, path+": ") || !strings.Contains(faults, "not a regular file") {
				t.Errorf("%s: %s", path, faults)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: it waits for who writes to the pipe", path)
		}
	}
}
