package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/alecthomas/kong"
)

// tokenCmd is what there is to do with tokens.
type tokenCmd struct {
	New tokenNewCmd `cmd:"" help:"Make a token: its text for who calls, its digest for the configuration."`
}

// tokenNewCmd makes a token of 256 random bits. Nothing keeps it: a gateway is given its digest only.
type tokenNewCmd struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"How it is printed: ${enum}."`
}

// tokenPrefix begins every token, so that scanners for lost secrets can tell one.
const tokenPrefix = "sluice_"

// Run prints the token and its digest, and what to do with them to stderr.
func (c *tokenNewCmd) Run(k *kong.Context) error {
	var secret [32]byte
	rand.Read(secret[:])
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	made := struct {
		Token  string `json:"token"`
		SHA256 string `json:"sha256"`
	}{token, fmt.Sprintf("%x", sha256.Sum256([]byte(token)))}
	if c.Output == "json" {
		return json.NewEncoder(k.Stdout).Encode(made)
	}
	fmt.Fprintln(k.Stderr, "The token is shown this once. It goes with each request, as Authorization: Bearer TOKEN; the "+
		"digest goes into the configuration, as in\ntokens: [{name: NAME, sha256: DIGEST, scopes: [send, read]}]")
	_, err := fmt.Fprintf(k.Stdout, "token   %s\nsha256  %s\n", made.Token, made.SHA256)
	return err
}
