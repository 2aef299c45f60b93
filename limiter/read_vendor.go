package limiter

import (
	"bytes"
	"math"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// stravaPeriods are what the two members of Strava's lists are counted over, which only their documentation tells
// (https://developers.strava.com/docs/rate-limits/).
var stravaPeriods = [...]time.Duration{15 * time.Minute, day}

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
