package gateway

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
)

// issue makes a certificate of its own authority for 127.0.0.1 and writes it and its key.
func issue(t *testing.T, certFile, keyFile, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// greet makes a handshake with a certificate in use, and returns the name it presents.
func greet(t *testing.T, c *certificate, client *tls.Config) (name string, version uint16, err error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := tls.NewListener(ln, c.config()).Accept()
		if err == nil {
			_, _ = conn.Read(make([]byte, 1))
			_, _ = conn.Write([]byte{1})
			_ = conn.Close()
		}
	}()
	defer func() { <-served }()
	client.InsecureSkipVerify = true // what it presents is looked at below
	conn, err := tls.Dial("tcp", ln.Addr().String(), client)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte{1}); err != nil {
		return "", 0, err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // in TLS 1.3 the server refuses after the client's handshake
		return "", 0, err
	}
	state := conn.ConnectionState()
	return state.PeerCertificates[0].Subject.CommonName, state.Version, nil
}

// In virtual time no connection loses patience while the files are being read.
func TestCertificateThatIsReplacedIsPresentedWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		files := configs.TLS{Cert: filepath.Join(dir, "a.crt"), Key: filepath.Join(dir, "a.key")}
		issue(t, files.Cert, files.Key, "first")
		var log bytes.Buffer
		c, err := openCertificate(files, zerolog.New(&log))
		if err != nil {
			t.Fatal(err)
		}
		presents := func(want string) {
			t.Helper()
			c.looked = time.Time{} // it is time to look again
			if name, version, err := greet(t, c, &tls.Config{}); name != want || err != nil || version != tls.VersionTLS13 {
				t.Errorf("presents %q in version %x, %v; want %q", name, version, err, want)
			}
		}
		presents("first")
		issue(t, files.Cert, files.Key, "the second")
		presents("the second")
		if err := os.WriteFile(files.Cert, []byte("half a certif"), 0o600); err != nil {
			t.Fatal(err)
		}
		presents("the second")
		presents("the second")
		if n := strings.Count(log.String(), "cannot be used"); n != 1 {
			t.Errorf("said %d times that the new files are of no use, want once: %s", n, &log)
		}
		if err := c.reload(t.Context()); err == nil || !strings.Contains(err.Error(), files.Cert) {
			t.Errorf("asked to reload it says %v", err)
		}
		issue(t, files.Cert, files.Key, "third")
		if err := c.reload(t.Context()); err != nil {
			t.Error(err)
		}
		presents("third")
	})
}

func TestOldVersionsOfTLSAndClientsWithoutACertificateAreRefused(t *testing.T) {
	dir := t.TempDir()
	files := configs.TLS{Cert: filepath.Join(dir, "a.crt"), Key: filepath.Join(dir, "a.key"), ClientCA: filepath.Join(dir, "client.crt")}
	issue(t, files.Cert, files.Key, "door")
	issue(t, files.ClientCA, filepath.Join(dir, "client.key"), "client")
	c, err := openCertificate(files, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	own, err := tls.LoadX509KeyPair(files.ClientCA, filepath.Join(dir, "client.key"))
	if err != nil {
		t.Fatal(err)
	}
	if name, _, err := greet(t, c, &tls.Config{Certificates: []tls.Certificate{own}}); name != "door" || err != nil {
		t.Errorf("a client with a certificate: %q, %v", name, err)
	}
	if _, _, err := greet(t, c, &tls.Config{}); err == nil {
		t.Error("a client without a certificate is let in")
	}
	if _, _, err := greet(t, c, &tls.Config{Certificates: []tls.Certificate{own}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// A file system that does not answer holds the look that is under way, which holds nobody for long.
func TestCertificateIsPresentedWhileItsFilesDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := new(tls.Config)
		c := &certificate{now: now, looked: time.Now(), flight: make(chan struct{}), log: zerolog.Nop()}
		began := time.Now()
		for range 100 {
			if c.current() != now {
				t.Fatal("another is presented")
			}
		}
		if took := time.Since(began); took > lookPatience {
			t.Errorf("100 connections waited %s, want %s for the first", took, lookPatience)
		}
	})
}

func TestFilesOfNoUseAreNamed(t *testing.T) {
	dir := t.TempDir()
	files := configs.TLS{Cert: filepath.Join(dir, "a.crt"), Key: filepath.Join(dir, "a.key")}
	if _, err := openCertificate(files, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), files.Cert) {
		t.Errorf("missing: %v", err)
	}
	issue(t, files.Cert, files.Key, "door")
	files.ClientCA = files.Key
	if _, err := openCertificate(files, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "want one certificate in PEM") {
		t.Errorf("an authority that is none: %v", err)
	}
	if c, err := openCertificate(configs.TLS{}, zerolog.Nop()); c != nil || err != nil {
		t.Errorf("none configured: %v, %v", c, err)
	}
}
