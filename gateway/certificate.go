package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/namedfile"
)

// lookEvery is how often it is looked whether the files of a certificate have changed: when a connection comes, never
// oftener.
const lookEvery = 5 * time.Second

// certificate is what the front door presents, and asks of clients. Who renews it replaces files; the next connections
// get the new one, and those that are open keep theirs.
type certificate struct {
	files configs.TLS
	log   zerolog.Logger

	mu     sync.Mutex // never held over the files
	now    *tls.Config
	stamps [3]stamp      // of the files that now is made of
	looked time.Time     // when the last look began
	flight chan struct{} // closed when the look under way has ended; nil: there is none
}

// lookPatience is how long a connection waits for the files to be looked at: a file system that does not answer holds up only those
// that come in this time.
const lookPatience = 100 * time.Millisecond

// stamp tells whether a file is another than it was.
type stamp struct {
	changed time.Time
	size    int64
}

// openCertificate reads the files; nil where there is to be no TLS.
func openCertificate(files configs.TLS, log zerolog.Logger) (*certificate, error) {
	if !files.Enabled() {
		return nil, nil //nolint:nilnil // there is none
	}
	c := &certificate{files: files, log: log}
	return c, c.reload(context.Background())
}

// reload reads the files. With an error, what was in use stays in use; so it does where ctx ends before they were read.
func (c *certificate) reload(ctx context.Context) error {
	stamps := c.look()
	next, faults := readTLS(c.files)
	if len(faults) > 0 {
		return faults
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c.now, c.stamps = next, stamps
	return nil
}

// readTLS reads the files and tells every fault of theirs, and nothing of the key.
func readTLS(files configs.TLS) (next *tls.Config, faults configs.Faults) {
	next = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	pair, err := readPair(files)
	if err != nil {
		faults = append(faults, configs.Fault{
			Path: "tls", Value: files.Cert + ", " + files.Key, Problem: err.Error(),
			Want: "a certificate and its key in PEM, which the gateway can read",
		})
	}
	next.Certificates = []tls.Certificate{pair}
	if files.ClientCA != "" {
		next.ClientCAs, next.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		pem, err := namedfile.Read(files.ClientCA)
		problem := "has no certificate"
		if err != nil {
			problem = err.Error()
		}
		if err != nil || !next.ClientCAs.AppendCertsFromPEM(pem) {
			faults = append(faults, configs.Fault{
				Path: "tls.client_ca", Value: files.ClientCA, Problem: problem, Want: "one certificate in PEM or several",
			})
		}
	}
	return next, faults
}

// readPair reads the certificate and its key.
func readPair(files configs.TLS) (tls.Certificate, error) {
	cert, err := namedfile.Read(files.Cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := namedfile.Read(files.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

// look returns how the files stand. One that cannot be looked at is as if it had changed.
func (c *certificate) look() (stamps [3]stamp) {
	for i, file := range []string{c.files.Cert, c.files.Key, c.files.ClientCA} {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

// current returns what a new connection gets; files that have changed are read first.
func (c *certificate) current() *tls.Config {
	c.mu.Lock()
	if c.flight == nil && time.Since(c.looked) >= lookEvery {
		c.looked, c.flight = time.Now(), make(chan struct{})
		go c.refresh(c.flight, c.stamps)
	}
	flight, patience := c.flight, lookPatience-time.Since(c.looked)
	c.mu.Unlock()
	if flight != nil && patience > 0 {
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case <-flight:
		case <-late.C:
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// refresh looks at the files, and reads those that have changed since.
func (c *certificate) refresh(flight chan struct{}, since [3]stamp) {
	if stamps := c.look(); stamps != since {
		switch err := c.reload(context.Background()); {
		case err != nil:
			c.mu.Lock()
			c.stamps = stamps // said once
			c.mu.Unlock()
			c.log.Error().Err(err).Msg("the certificate's files have changed and cannot be used; the one before stays in use")
		default:
			c.log.Info().Str("cert", c.files.Cert).Msg("certificate reloaded")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flight = nil
	close(flight)
}

// config is what a listener is made with.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(), nil },
	}
}
