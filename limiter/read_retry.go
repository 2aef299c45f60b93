package limiter

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The fields that ask for a delay, most precise first: of several, the first that can be read is believed.
const (
	delayMs          = iota // retry-after-ms, as the SDKs of OpenAI, Anthropic and others prefer it
	delayXMs                // x-ms-retry-after-ms (Azure Cosmos DB)
	delayRetryAfter         // Retry-After, RFC 9110 section 10.2.3
	delayXRetryAfter        // X-Retry-After (OpenStack)
	delayXRateLimit         // X-RateLimit-Retry-After (Braze, MailerLite, Help Scout) and other families' own
	delayXRetryIn           // X-Retry-In, a Go duration (oxy, Traefik)
	delaySentry             // X-Sentry-Rate-Limits, seconds before the first colon
	delayOther              // X-RateLimit-After (Rust's governor), -Delay (Airbrake), -Blocked-Until, X-Rate-Limited-For (Sidekiq)
	delaySources
)

// maxDelay keeps a delay within what a time.Duration can hold; whether it is believed is for the budget to say.
const maxDelay = 366 * day

// mayDelay reports whether a response of this status can ask to be left alone. On a success Retry-After is about
// something else, or sent always (lemlist, flask-limiter), and never a reason to pause.
func mayDelay(status int) bool {
	switch status {
	case 403, 408, 413, 425, 429,
		418, 420, 430, 477: // older or private spellings of 429 (Binance, Twitter, Shopify, HubSpot)
		return true
	}
	return status >= 300 && status < 400 || status >= 500 && status < 600
}

// retryAfter returns the delay the response asks for.
func (r *Reader) retryAfter() (time.Duration, bool) {
	if r.regain > 0 && r.status >= 400 {
		return r.regain, true
	}
	if !mayDelay(r.status) {
		return 0, false
	}
	told, ok := r.toldDelay()
	if len(r.body) > 0 {
		// Discord and others write it in the body with a fraction, and round it in the header.
		in, found := delayInBody(r.body, r.exchange.received)
		if found && (!ok || (in-told).Abs() <= time.Second) {
			return in, true
		}
	}
	return told, ok
}

func (r *Reader) toldDelay() (time.Duration, bool) {
	for i := range r.delays {
		c := &r.delays[i]
		if len(c.value) == 0 {
			continue
		}
		value := c.value
		if i == delaySentry {
			value, _, _ = bytes.Cut(value, []byte(":"))
		}
		s, ok := r.stamp(value, c.says)
		if ok {
			return min(max(0, r.exchange.wait(s)), maxDelay), true
		}
	}
	return 0, false
}

// delay stores a field that asks for a delay. Of a family's fields under several names each is of a limit of its own, and the longest
// counts: Azure's …-entity-retry-after beside …-qpu-retry-after (https://learn.microsoft.com/rest/api/cost-management/).
func (r *Reader) delay(f *fieldName, name, value []byte) {
	c := &r.delays[f.delay]
	if f.delay == delayXRateLimit && len(c.value) > 0 && !equalFold(name, c.name) {
		if s, ok := r.stamp(c.value, c.says); ok {
			if other, told := r.stamp(value, f.says); !told || r.exchange.wait(other) <= r.exchange.wait(s) {
				return
			}
		}
		*c = cell{}
	}
	c.put(name, value, f.says)
}

// thousandth is the delay where it was told in milliseconds, as the window shows that ends with it: a Retry-After of 8000 beside a
// reset in 8 seconds (dYdX, https://docs.dydx.exchange). Else it is the delay as it was read.
func (r *Reader) thousandth(told time.Duration, w *Window) time.Duration {
	const rounding = time.Second
	c := &r.delays[delayRetryAfter]
	v, frac, isNumber := parseNumber(c.value)
	if !isNumber || frac > 0 || v < 1000 || formOf(v, c.says) != DeltaSeconds || w == nil || !w.HasReset || !w.ResetForm.Absolute() {
		return told
	}
	shorter := told / 1000
	if end := w.ResetAt.Sub(r.exchange.received); (shorter-end).Abs() <= rounding && told-end > rounding {
		return shorter
	}
	return told
}

// retryIn is the delay as X-Retry-In tells it to the nanosecond, where another field rounds it to whole seconds: Traefik sends
// both, and its buckets are filled many times a second; oxy sends nothing else. 0: no field does.
func (r *Reader) retryIn(rounded time.Duration) time.Duration {
	c := &r.delays[delayXRetryIn]
	if len(c.value) == 0 {
		return 0
	}
	s, ok := r.stamp(c.value, c.says)
	if in := max(0, r.exchange.wait(s)); ok && in <= rounded && rounded-in <= time.Second {
		return in
	}
	return 0
}

// endsAtRetry has the one window that is told without its end be over when an accepted call's X-RateLimit-Retry-After says, if
// that is to come. Symfony tells so with each answer: of a sliding window its end
// (https://github.com/symfony/symfony/blob/5.4/src/Symfony/Component/RateLimiter/Policy/SlidingWindowLimiter.php), and of what
// may be called again at once, now.
func (r *Reader) endsAtRetry(h *Hint) {
	c, w := &r.delays[delayXRateLimit], &h.Windows[0]
	if len(c.value) == 0 || h.N != 1 || mayDelay(r.status) || w.HasReset || w.Length > 0 || w.Limit == Unknown || w.Remaining == Unknown {
		return
	}
	told := *w
	if r.setReset(&told, c.value, c.says); told.HasReset && told.ResetAt.After(r.exchange.received) {
		*w = told
	}
}

// stamp reads the value of a reset or a delay, and the destination's Date once something has to be compared with it.
func (r *Reader) stamp(value []byte, says naming) (stamp, bool) {
	s, ok := parseStamp(value, says, r.exchange.received)
	if !ok { // a field that is repeated
		if m, rest, more := nextMember(value); more && len(rest) > 0 {
			s, ok = parseStamp(m.value, says, r.exchange.received)
		}
	}
	if ok && s.form.Absolute() && len(r.date) > 0 && r.exchange.date.IsZero() {
		if at, _, told := parseDate(r.date, r.exchange.received); told {
			r.exchange.date = at
		}
	}
	return s, ok
}

// delayInBody finds a retry_after (seconds) or retry_after_ms (Matrix) in a JSON body, at its top (Discord) or one level
// below (Telegram's parameters). The body may be cut off anywhere.
func delayInBody(body []byte, now time.Time) (time.Duration, bool) {
	if !bytes.Contains(body, []byte(`"retry_after`)) {
		return 0, false
	}
	in := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := in.ReadToken()
		if err != nil {
			return 0, false
		}
		kind, n := in.StackIndex(in.StackDepth())
		isName := kind == '{' && n%2 == 1
		if in.StackDepth() > 2 || !isName || token.Kind() != '"' {
			continue
		}
		var says naming
		switch token.String() {
		case "retry_after":
		case "retry_after_ms":
			says = millis
		default:
			continue
		}
		value, err := in.ReadToken()
		if err != nil || (value.Kind() != '0' && value.Kind() != '"') {
			return 0, false
		}
		s, ok := parseStamp([]byte(value.String()), says, now)
		if !ok {
			return 0, false
		}
		return min(max(0, exchange{sent: now, received: now}.wait(s)), maxDelay), true
	}
}
