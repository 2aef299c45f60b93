package gateway

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/credential"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/rules"
	"github.com/sluice-gateway/sluice/persist/record"
)

// credentials makes the set of a valid configuration; tokens that was holds go on. Its faults are of the files that the
// section names.
func (g *Gateway) credentials(conf *configs.Config, was *credential.Set) (*credential.Set, error) {
	if faults := credentialFaults(conf); len(faults) > 0 {
		return nil, faults
	}
	specs := make([]credential.Spec, 0, len(conf.Credentials))
	for name, c := range conf.Credentials {
		spec := credential.Spec{
			Name: name, Header: c.HeaderName(), Hosts: configs.Hosts(c.Hosts).Has, File: c.ValueFile,
		}
		if len(c.Tenants) > 0 {
			spec.Tenants = c.Tenants
		}
		if o := c.OAuth2; o != (configs.OAuth2{}) {
			spec.OAuth2 = &credential.OAuth2{
				TokenURL: o.TokenURL, ClientID: o.ClientID, SecretFile: o.ClientSecretFile, Scope: o.Scope, Audience: o.Audience,
			}
		}
		specs = append(specs, spec)
	}
	fetch := func(req *egress.Request, resp *egress.Response) { g.client.Do(req, resp) }
	return credential.New(specs, fetch, was, g.log), nil
}

// credentialFaults reads the files of the credentials section.
func credentialFaults(conf *configs.Config) (faults configs.Faults) {
	for _, name := range slices.Sorted(maps.Keys(conf.Credentials)) {
		c := conf.Credentials[name]
		key, file := "value_file", c.ValueFile
		if file == "" {
			key, file = "oauth2.client_secret_file", c.OAuth2.ClientSecretFile
		}
		if _, err := credential.ReadValue(file); err != nil {
			problem := strings.TrimPrefix(err.Error(), "its file "+file) // which is told beside it
			faults = append(faults, configs.Fault{
				Path: fmt.Sprintf("credentials.%s.%s", name, key), Value: file, Problem: strings.TrimLeft(problem, ": "),
				Want: "a file that the gateway can read, with one line",
			})
		}
	}
	return faults
}

// named are the credentials in force, for who checks definitions and for who sends.
type named struct{ of *rules.InForce }

func (n named) set() *credential.Set { return n.of.Credentials() }

// For is webhook.Credentials'.
func (n named) For(name, tenant, host string) (header string, known, allowed bool) {
	return n.set().For(name, tenant, host)
}

// Names is webhook.Credentials'.
func (n named) Names(tenant string) []string { return n.set().Names(tenant) }

// Header is dispatch.Credentials'.
func (n named) Header(name, tenant, host string, within time.Duration) (record.Header, error) {
	return n.set().Header(name, tenant, host, within)
}

// Refused is dispatch.Credentials'.
func (n named) Refused(name string, sent record.Header) bool { return n.set().Refused(name, sent) }

// Settled is dispatch.Credentials'.
func (n named) Settled(name, host string, taken bool) { n.set().Settled(name, host, taken) }

var _ dispatch.Credentials = named{}
