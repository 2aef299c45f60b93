package limiter

import (
	"bytes"
	"math"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Sources of the families that most destinations speak.
const (
	sourceItems = "RateLimit"
	sourceDraft = "RateLimit-*"
	sourceX     = "X-RateLimit-*"
	sourceXRate = "X-Rate-Limit-*"
)

// stravaPeriods are what the two members of Strava's lists are counted over, which only their documentation tells
// (https://developers.strava.com/docs/rate-limits/).
var stravaPeriods = [...]time.Duration{15 * time.Minute, day}

// special knows the names that the words of a name would mislead about, in lower case.
func special(low []byte) fieldName {
	switch string(low) {
	case "age":
		return fieldName{kind: kindAge}
	case "date":
		return fieldName{kind: kindDate}
	case "x-rl", "x-current-token-count": // https://ip-api.com/docs/api:json, Walmart's developer.walmart.com/doc/us/us-dsv/us-dsv-rate-limit
		return fieldName{kind: kindWindow, role: roleRemaining, rank: rankVendor, anchored: true, family: hash(hashStart, low[:4]), unit: UnitRequests}
	case "x-ttl", "x-next-replenishment-time": // of these two: what is left of them, and until when
		return fieldName{kind: kindWindow, role: roleReset, rank: rankVendor, anchored: true, family: hash(hashStart, low[:4]), unit: UnitRequests}
	case "x-ratelimit-type": // Zoom's: QPS, Daily-limit
		return fieldName{
			kind: kindWindow, role: roleLength, rank: rankX, anchored: true, family: hash(hashStart, []byte("x-ratelimit")),
			prefix: len("x-ratelimit"), qualifier: hashStart, unit: UnitRequests,
		}
	case "req-limit-short", "req-limit-long", "remaining-req": // Pingdom's https://docs.pingdom.com/api/, Upbit's https://docs.upbit.com
		return fieldName{
			kind: kindWindow, role: roleRemaining, rank: rankVendor, anchored: true, words: true, family: hash(hashStart, low),
			unit: UnitRequests,
		}
	case "retry-after-ms":
		return fieldName{kind: kindDelay, delay: delayMs, says: millis}
	case "x-ms-retry-after-ms":
		return fieldName{kind: kindDelay, delay: delayXMs, says: millis}
	case "retry-after":
		return fieldName{kind: kindDelay, delay: delayRetryAfter}
	case "x-retry-after":
		return fieldName{kind: kindDelay, delay: delayXRetryAfter}
	case "x-retry-in":
		return fieldName{kind: kindDelay, delay: delayXRetryIn}
	case "x-sentry-rate-limits":
		return fieldName{kind: kindDelay, delay: delaySentry}
	case "x-amzn-ratelimit-limit":
		return fieldName{kind: kindCallsPerSecond}
	case "sforce-limit-info":
		return fieldName{kind: kindSalesforce}
	case "x-ms-ratelimit-remaining-resource":
		return fieldName{kind: kindAzureResource}
	case "x-app-usage", "x-page-usage", "x-ad-account-usage", "x-business-use-case-usage":
		return fieldName{kind: kindMetaUsage}
	case "twilio-concurrent-requests":
		return fieldName{kind: kindTwilio}
	case "stripe-rate-limited-reason":
		return fieldName{kind: kindStripe}
	}
	return fieldName{}
}

// vendor takes the fields that tell of limits in a way of their own.
func (r *Reader) vendor(k kind, name, value []byte) {
	switch k {
	case kindCallsPerSecond: // https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits
		if v, _, ok := parseNumber(value); ok && v > 0 && v <= maxCount {
			r.rate = v
		}
	case kindSalesforce:
		r.salesforce(value)
	case kindAzureResource:
		r.azureResource(value)
	case kindMetaUsage:
		r.metaUsage(name, value)
	case kindTwilio:
		r.concurrency = r.concurrency || r.status == 429
	case kindStripe:
		r.concurrency = r.concurrency || bytes.Contains(value, []byte("concurrency"))
	}
}

// inMillis reports whether a family, in lower case, tells its resets in milliseconds without saying so: KuCoin's
// (https://www.kucoin.com/docs-new/rate-limit).
func inMillis(family []byte) bool { return string(family) == "gw-ratelimit" }

// salesforce reads api-usage=25/5000: calls used of what the organisation has in 24 hours
// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm).
func (r *Reader) salesforce(value []byte) {
	for m, rest, ok := nextMember(value); ok; m, rest, ok = nextMember(rest) {
		if !equalFold(m.key, "api-usage") {
			continue
		}
		w := Window{Limit: Unknown, Remaining: Unknown, Unit: UnitRequests, Length: day, Source: "Sforce-Limit-Info"}
		if it := readItem(member{value: m.value}); it.used >= 0 {
			w.setCounts(&it)
			r.found.add(w, &group{fieldName: fieldName{rank: rankVendor, anchored: true}})
		}
	}
}

// azureResource reads Microsoft.Compute/LowCostGet3Min;3997: what is left of a named bucket, whose name ends in its
// length (https://learn.microsoft.com/azure/virtual-machines/compute-throttling-limits).
func (r *Reader) azureResource(value []byte) {
	for m, rest, ok := nextMember(value); ok; m, rest, ok = nextMember(rest) {
		n, told := parseCount(m.params)
		if !told || n < 0 {
			continue
		}
		r.found.add(Window{
			Limit: Unknown, Remaining: n, Unit: UnitRequests, Length: trailingLength(m.value),
			Name: r.intern(m.value), Source: "X-Ms-Ratelimit-Remaining-Resource",
		}, &group{fieldName: fieldName{rank: rankVendor, anchored: true}})
	}
}

// trailingLength reads the 3Min or 1Hour that a name ends with.
func trailingLength(name []byte) time.Duration {
	unitFrom := len(name)
	for unitFrom > 0 && (name[unitFrom-1] < '0' || name[unitFrom-1] > '9') {
		unitFrom--
	}
	from := unitFrom
	for from > 0 && name[from-1] >= '0' && name[from-1] <= '9' {
		from--
	}
	n, isNumber := digits(name[from:unitFrom])
	unit, isUnit := unitOf(name[unitFrom:])
	if !isNumber || !isUnit {
		return 0
	}
	return lengthOf(float64(n), unit)
}

// metaUsage reads what is used of Meta's limits in percent of an allowance that is not told, and in minutes how long an
// exhausted one stays so (https://developers.facebook.com/docs/graph-api/overview/rate-limiting/).
func (r *Reader) metaUsage(name, value []byte) {
	most, wait := -1.0, 0.0
	in := jsontext.NewDecoder(bytes.NewReader(value))
	key := ""
	for {
		token, err := in.ReadToken()
		if err != nil {
			break
		}
		if token.Kind() == '"' {
			key = token.String()
		}
		if token.Kind() != '0' {
			continue
		}
		v, _, ok := parseNumber([]byte(token.String()))
		switch key {
		case "call_count", "total_time", "total_cputime", "acc_id_util_pct":
			if ok {
				most = max(most, v)
			}
		case "estimated_time_to_regain_access":
			if ok && v <= MaxReset.Minutes() {
				wait = max(wait, v)
			}
		}
	}
	if wait > 0 {
		r.regain = time.Duration(math.Round(wait * float64(time.Minute)))
	}
	if most < 0 {
		return
	}
	r.found.add(Window{
		Limit: 100, Remaining: int64(max(0, 100-math.Ceil(most))), Unit: unitPercent, Source: r.intern(title(bytes.Clone(name))),
	}, &group{fieldName: fieldName{rank: rankVendor, anchored: true}})
}

// source names the family a group was read from.
func (r *Reader) source(g *group) string {
	switch g.rank {
	case rankDraft:
		return sourceDraft
	case rankX:
		return sourceX
	case rankXRate:
		return sourceXRate
	}
	var buf [maxName + 2]byte
	if g.prefix == 0 { // X-Requests-Remaining: nothing is left to name the family by
		name := g.cells[roleRemaining].name
		if name == nil {
			name = g.name
		}
		return r.intern(title(append(buf[:0], name...)))
	}
	return r.intern(append(title(append(buf[:0], g.name[:g.prefix]...)), "-*"...))
}

// title writes a field's name the way of HTTP/1: every word with a capital. It changes b.
func title(b []byte) []byte {
	start := true
	for i, c := range b {
		if c = fold(c); start && c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		b[i], start = c, c == '-'
	}
	return b
}
