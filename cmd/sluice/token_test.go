package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/sluice-gateway/sluice/configs"
)

func TestNewTokensAreTakenByTheConfigurationAndNeverTheSame(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		var stdout, stderr bytes.Buffer
		if code := run([]string{"token", "new", "-o", "json"}, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
			t.Fatalf("exit %d: %s", code, &stderr)
		}
		var made struct{ Token, SHA256 string }
		if err := json.Unmarshal(stdout.Bytes(), &made); err != nil || len(made.Token) < 40 || seen[made.Token] {
			t.Fatalf("%s (%v)", &stdout, err)
		}
		seen[made.Token] = true
		c, err := configs.Parse("f", fmt.Appendf(nil, "tokens: [{name: a, sha256: %s, scopes: [send]}]", made.SHA256))
		if err != nil {
			t.Fatal(err)
		}
		if c.Tokens[0].SHA256.IsZero() {
			t.Error("its digest is none")
		}
	}
}
