package configs

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func digits(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }

func TestTokensAreReadAndOpenBothAddresses(t *testing.T) {
	c, err := Parse("f", []byte("listen: 0.0.0.0:8480\nadmin: '[::]:8481'\ntokens:\n"+
		"  - {name: ops, sha256: "+digits("a")+", scopes: [read, admin]}\n"+
		"  - {name: crm-eu, sha256: "+strings.ToUpper(digits("b"))+", tenant: eu, scopes: [send, 'read:body'], hosts: ['*.crm.example.com', api.example.com:8443], "+
		"flows: [receipts, campaign-*], rate: 100/min}\n"))
	if err != nil {
		t.Fatal(err)
	}
	ops, crm := &c.Tokens[0], &c.Tokens[1]
	if ops.SHA256.Sum != sha256.Sum256([]byte("a")) || crm.SHA256.Sum != sha256.Sum256([]byte("b")) {
		t.Error("the digests are others")
	}
	if ops.Host() != nil || ops.Flow() != nil || ops.Confined() != nil || !slices.Equal(crm.Confined(), []string{"eu"}) {
		t.Errorf("%+v is confined, or %+v is not", ops, crm)
	}
	for host, may := range map[string]bool{
		"eu.crm.example.com": true, "eu.crm.example.com:80": true, "crm.example.com": false, "api.example.com:8443": true, "api.example.com": false,
	} {
		if crm.Host()(host) != may {
			t.Errorf("host %s: %v, want %v", host, !may, may)
		}
	}
	for flow, may := range map[string]bool{"receipts": true, "campaign-": true, "campaign-7": true, "receipts2": false, "campaign": false, "": false} {
		if crm.Flow()(flow) != may {
			t.Errorf("flow %s: %v, want %v", flow, !may, may)
		}
	}
	if crm.Rate != (Rate{N: 100, Per: time.Minute}) {
		t.Errorf("rate %s", crm.Rate)
	}
}

// TestAMisplacedTokenIsNotRepeated: what stands where its digest belongs may be the token.
func TestAMisplacedTokenIsNotRepeated(t *testing.T) {
	for _, text := range []string{
		"tokens: [{name: a, sha256: slu_s3cret, scopes: [send]}]", "tokens: [{name: a, sha256: [slu_s3cret], scopes: [send]}]",
		"tokens: [{name: a, sha256: " + digits("a") + "s3cret, scopes: [send]}]",
	} {
		if _, err := Parse("f", []byte(text)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestTokensCannotBeTakenFromADoorThatIsOpenToOthers is what a reload asks of what it is about to put in force.
func TestTokensCannotBeTakenFromADoorThatIsOpenToOthers(t *testing.T) {
	c := Default()
	c.Listen, c.Tokens = "192.0.2.1:8480", []Token{{Name: "a", SHA256: SHA256Of(sha256.Sum256([]byte("a"))), Scopes: []string{"send"}}}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.Tokens = nil
	if err := c.Validate(); err == nil {
		t.Error("a front door on 192.0.2.1 may go without tokens")
	}
}
