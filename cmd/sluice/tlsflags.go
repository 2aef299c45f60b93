package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// tlsFlags are the flags of every command that asks a gateway which speaks TLS; embed them.
type tlsFlags struct {
	CA         string `env:"SLUICE_CA" placeholder:"FILE" help:"Authorities to believe, in PEM, where the system knows none that signed the gateway's certificate."`
	ClientCert string `env:"SLUICE_CLIENT_CERT" placeholder:"FILE" help:"Certificate to show, in PEM, where the gateway asks for one (tls.client_ca)."`
	ClientKey  string `env:"SLUICE_CLIENT_KEY" placeholder:"FILE" help:"Its key."`
}

// config returns what TLS is spoken with; its error is a usageError.
func (f *tlsFlags) config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, usageError{fmt.Errorf("--ca: %w", err)}
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usageError{fmt.Errorf("--ca %s: it has no certificate; want one in PEM or several", f.CA)}
		}
	}
	switch {
	case f.ClientCert == "" && f.ClientKey == "":
	case f.ClientCert == "" || f.ClientKey == "":
		return nil, usageError{errors.New("--client-cert and --client-key: want both, or neither")}
	default:
		pair, err := tls.LoadX509KeyPair(f.ClientCert, f.ClientKey)
		if err != nil {
			return nil, usageError{fmt.Errorf("--client-cert %s, --client-key %s: %w", f.ClientCert, f.ClientKey, err)}
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// client returns a client that speaks TLS by the flags and follows no redirects: a token is for this gateway, not for
// wherever it may point to.
func (f *tlsFlags) client() (*http.Client, error) {
	conf, err := f.config()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf}
	return &http.Client{
		Timeout: apiTimeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
