package egress

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/namedfile"
)

// WayFiles names what a Way is made of; empty: without.
type WayFiles struct {
	ClientCert, ClientKey string // files in PEM
	CA                    string // a file in PEM
	Source                string // an address
	ProxyURL              string // http or https, host and port
	ProxyCredentials      string // a file with user:password
}

// FileFault is what is wrong with one file of a Way. It never tells the file's content.
type FileFault struct {
	Key     string // which of WayFiles, in the words of the configuration
	File    string
	Problem string
	Want    string
}

// LoadWay reads the files and makes a Way of them, or returns every fault of theirs.
func LoadWay(f WayFiles) (*Way, []FileFault) {
	w := &Way{sessions: tls.NewLRUClientSessionCache(64)}
	var faults []FileFault
	bad := func(key, file, problem, want string) { faults = append(faults, FileFault{key, file, problem, want}) }
	read := func(key, file string) []byte {
		b, err := namedfile.Read(file)
		if err != nil {
			bad(key, file, "cannot be read: "+reason(err), "a file that the gateway can read")
		}
		return b
	}
	if f.ClientCert != "" {
		cert, key := read("client_cert", f.ClientCert), read("client_key", f.ClientKey)
		if cert != nil && key != nil {
			pair, err := tls.X509KeyPair(cert, key)
			if err != nil {
				bad("client_cert", f.ClientCert, strings.TrimPrefix(err.Error(), "tls: "),
					"a certificate in PEM and, in client_key, its own unencrypted key")
			}
			w.Certificate = &pair
		}
	}
	if f.CA != "" {
		if pem := read("ca", f.CA); pem != nil {
			if w.RootCAs = x509.NewCertPool(); !w.RootCAs.AppendCertsFromPEM(pem) {
				bad("ca", f.CA, "has no certificate", "certificates in PEM")
			}
		}
	}
	if f.Source != "" {
		var err error
		if w.Source, err = netip.ParseAddr(f.Source); err != nil {
			bad("source_address", f.Source, "is not an address", "one of this machine's")
		}
	}
	if f.ProxyURL != "" {
		u, err := url.Parse(f.ProxyURL)
		if err != nil {
			return nil, append(faults, FileFault{"proxy_url", "", "is not a URL", "as in http://proxy.example:3128"})
		}
		w.Proxy = newProxy(u)
	}
	if f.ProxyCredentials != "" && w.Proxy != nil {
		if line := read("proxy_credentials", f.ProxyCredentials); line != nil {
			line = bytes.TrimSpace(line)
			if user, _, ok := bytes.Cut(line, []byte(":")); !ok || len(user) == 0 || bytes.ContainsAny(line, "\r\n\x00") {
				bad("proxy_credentials", f.ProxyCredentials, "is not user:password", "one line of user:password (RFC 7617)")
			}
			w.Proxy.authorization = "Basic " + base64.StdEncoding.EncodeToString(line)
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return w, nil
}

// String says it in one line.
func (f FileFault) String() string {
	return fmt.Sprintf("%s: %s: %s; want %s", f.Key, f.File, f.Problem, f.Want)
}

// reason is why a file could not be read, without the path, which is told already.
func reason(err error) string {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
