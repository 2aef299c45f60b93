package dispatch

import (
	"errors"
	"slices"

	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/persist/record"
)

// send makes the exchange of an attempt. With a credential that the destination refuses it makes one more, with a fresh
// one, if there is any. withheld is why it must count as never made: the credential is not to be had, or refused.
func (d *Dispatcher) send(req *egress.Request, w *record.Webhook, host string, x *exchange) (withheld error) {
	if w.Credential == "" {
		d.set.Client.Do(req, &x.resp)
		return nil
	}
	credentials := d.set.Credentials
	if credentials == nil {
		return errNoCredentials
	}
	plain := req.Headers
	for tries := 1; ; tries++ {
		field, err := credentials.Header(w.Credential, w.Tenant, host, req.Connect)
		if err != nil {
			return err
		}
		req.Headers, req.Private = slices.Concat(plain, []record.Header{field}), field.Name
		d.set.Client.Do(req, &x.resp)
		if x.resp.Status != statusUnauthorized {
			if x.resp.Class == "" {
				credentials.Settled(w.Credential, host, true)
			}
			return nil
		}
		if tries > 1 || !credentials.Refused(w.Credential, field) {
			credentials.Settled(w.Credential, host, false)
			return errUnauthorized
		}
	}
}

var errNoCredentials = errors.New("no credentials are configured")

var errUnauthorized = errors.New("the destination refuses the credential (401)")

const statusUnauthorized = 401 // RFC 9110 section 15.5.2
