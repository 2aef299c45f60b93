package main_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// presented makes a handshake with a listener and returns the name in its certificate; show is the client's own, nil:
// none.
func presented(t *testing.T, addr string, of *authority, show *tls.Certificate) (name string, err error) {
	t.Helper()
	conf := &tls.Config{RootCAs: x509.NewCertPool()}
	conf.RootCAs.AddCert(of.cert)
	if show != nil {
		conf.Certificates = []tls.Certificate{*show}
	}
	cn, err := tls.Dial("tcp", addr, conf)
	if err != nil {
		return "", err
	}
	defer func() { _ = cn.Close() }()
	if _, err := fmt.Fprintf(cn, "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	if _, err := cn.Read(make([]byte, 1)); err != nil { // in TLS 1.3 a client is refused after its handshake
		return "", err
	}
	return cn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

// TestTheDoorSpeaksTLSAndEveryCommandWithIt: with clients that show a certificate, on both listeners, over a renewal.
func TestTheDoorSpeaksTLSAndEveryCommandWithIt(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	ca := newAuthority(t, dir, "authority")
	ca.issue(t, "first", in("door.crt"), in("door.key"))
	ca.issue(t, "client", in("client.crt"), in("client.key"))
	other := newAuthority(t, dir, "another")
	other.issue(t, "stranger", in("stranger.crt"), in("stranger.key"))
	_, adminPort, _ := net.SplitHostPort(freeAddr(t))
	admin := "127.0.0.1:" + adminPort
	c := &configured{file: in("sluice.yaml"), data: in("data"), front: freeAddr(t), admin: "0.0.0.0:" + adminPort}
	text := fmt.Sprintf("tokens: [{name: ops, sha256: %x, scopes: [send, read, admin]}]\ntls: {cert: %s, key: %s, client_ca: %s}\n",
		sha256.Sum256([]byte("ops-token")), in("door.crt"), in("door.key"), ca.file)
	c.write(t, text)
	if code, stdout, _ := sluice(t, "check", c.file); code != 0 {
		t.Fatalf("check: %s", stdout)
	}
	c.start(t)

	client, err := tls.LoadX509KeyPair(in("client.crt"), in("client.key"))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := tls.LoadX509KeyPair(in("stranger.crt"), in("stranger.key"))
	if err != nil {
		t.Fatal(err)
	}
	ca.issue(t, "renewed", in("door.crt"), in("door.key"))
	for _, addr := range []string{c.front, admin} {
		name, err := presented(t, addr, ca, &client)
		for err == nil && name == "first" { // the files were not read within the patience of a connection
			name, err = presented(t, addr, ca, &client)
		}
		if name != "renewed" || err != nil {
			t.Errorf("%s presents %q, %v", addr, name, err)
		}
		for what, cert := range map[string]*tls.Certificate{"none": nil, "another authority's": &stranger} {
			if _, err := presented(t, addr, ca, cert); err == nil {
				t.Errorf("%s lets in a client with %s certificate", addr, what)
			}
		}
	}

	secure := []string{"--ca", ca.file, "--client-cert", in("client.crt"), "--client-key", in("client.key"), "--token", "ops-token"}
	sink := freeAddr(t)
	launch(t, sink, "sink", "--listen", sink)
	door := append([]string{"--gateway", "https://" + c.front}, secure...)
	if code, stdout, stderr := sluice(t, append([]string{"send", "--wait", "-n", "3", "-d", "x", "http://" + sink}, door...)...); code != 0 ||
		!strings.Contains(stdout, "delivered 3") {
		t.Errorf("send: %d %s %s", code, stdout, stderr)
	}
	if code, stdout, stderr := sluice(t, append([]string{"host", "show", sink}, door...)...); code != 0 || !strings.Contains(stdout, sink) {
		t.Errorf("host show: %d %s %s", code, stdout, stderr)
	}
	reload := append([]string{"reload", "--admin", "https://" + admin}, secure...)
	ca.issue(t, "third", in("door.crt"), in("door.key"))
	if code, stdout, stderr := sluice(t, reload...); code != 0 {
		t.Errorf("reload: %d %s %s", code, stdout, stderr)
	}
	if name, err := presented(t, c.front, ca, &client); name != "third" || err != nil {
		t.Errorf("after the reload the door presents %q, %v", name, err)
	}
	if err := os.WriteFile(in("door.key"), []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := sluice(t, reload...); code != 1 || !strings.Contains(stdout, "tls: "+in("door.crt")) {
		t.Errorf("a key of no use: %d %s %s", code, stdout, stderr)
	}
	if code, stdout, _ := sluice(t, "check", c.file); code != 1 || !strings.Contains(stdout, in("door.key")) {
		t.Errorf("check: %d %s", code, stdout)
	}
	for _, addr := range []string{c.front, admin} {
		if name, err := presented(t, addr, ca, &client); name != "third" || err != nil {
			t.Errorf("after files of no use %s presents %q, %v", addr, name, err)
		}
	}
	c.terminate(t)
}

func TestCommandsSayWhatTLSLacks(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	ca := newAuthority(t, dir, "authority")
	ca.issue(t, "door", in("door.crt"), in("door.key"))
	c := serving(t, fmt.Sprintf("tls: {cert: %s, key: %s}\n", in("door.crt"), in("door.key")))
	for _, tt := range []struct {
		code int
		says string
		args []string
	}{
		{1, "certificate signed by unknown authority", []string{"host", "list", "--gateway", "https://" + c.front}},
		{1, "want --ca", []string{"send", "-d", "x", "http://127.0.0.1:9/", "--gateway", "https://" + c.front}},
		{2, "no such file", []string{"host", "list", "--gateway", "https://" + c.front, "--ca", in("none")}},
		{2, "it has no certificate", []string{"host", "list", "--gateway", "https://" + c.front, "--ca", in("door.key")}},
		{2, "want both", []string{"reload", "--client-cert", in("door.crt")}},
		{2, "--client-key " + in("none"), []string{"reload", "--client-cert", in("door.crt"), "--client-key", in("none")}},
		{0, "", []string{"host", "list", "--gateway", "https://" + c.front, "--ca", ca.file}},
	} {
		if code, stdout, stderr := sluice(t, tt.args...); code != tt.code || !strings.Contains(stderr, tt.says) {
			t.Errorf("%v: exit %d, %s%s, want %d and %q", tt.args, code, stdout, stderr, tt.code, tt.says)
		}
	}
	c.terminate(t)
}
