package limiter

import "testing"

type benchField struct{ name, value []byte }

func fields(pairs ...string) []benchField {
	var all []benchField
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, benchField{[]byte(pairs[i]), []byte(pairs[i+1])})
	}
	return all
}

// usual is what any response carries besides.
var usual = []string{
	"Date", "Sun, 01 Mar 2026 12:00:00 GMT", "Content-Type", "application/json; charset=utf-8", "Content-Length", "271",
	"Server", "nginx", "Cache-Control", "no-store", "X-Request-Id", "0b3c9b2e-7d0c-4a44-b8f9-2f0c1c6d2b11",
	"Strict-Transport-Security", "max-age=31536000; includeSubDomains", "Vary", "Accept-Encoding", "Connection", "keep-alive",
}

var common = []struct {
	name   string
	fields []benchField
}{
	{"none", fields(append(usual[:len(usual):len(usual)], "Etag", `"33a64df5"`, "Via", "1.1 vegur", "X-Runtime", "0.02")...)},
	{"x-ratelimit-epoch", fields(append(usual[:len(usual):len(usual)],
		"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "1772366417")...)},
	{"x-rate-limit-delta", fields(append(usual[:len(usual):len(usual)],
		"X-Rate-Limit-Limit", "100", "X-Rate-Limit-Remaining", "42", "X-Rate-Limit-Reset", "17")...)},
	{"draft-6", fields(append(usual[2:len(usual):len(usual)], "RateLimit-Policy", "100;w=60",
		"RateLimit-Limit", "100", "RateLimit-Remaining", "99", "RateLimit-Reset", "50")...)},
	{"draft-8", fields(append(usual[:len(usual):len(usual)], "RateLimit-Policy", `"hour";q=1000;w=3600, "day";q=5000;w=86400`,
		"RateLimit", `"day";r=100;t=36000`, "Retry-After", "3")...)},
	{"retry-after", fields(append(usual[:len(usual):len(usual)], "Retry-After", "30")...)},
	{"hubspot", fields(append(usual[:8:8], "X-HubSpot-RateLimit-Daily", "250000", "X-HubSpot-RateLimit-Daily-Remaining", "249000",
		"X-HubSpot-RateLimit-Max", "100", "X-HubSpot-RateLimit-Remaining", "99",
		"X-HubSpot-RateLimit-Interval-Milliseconds", "10000")...)},
	{"openai", fields(append(usual[:12:12], "x-ratelimit-limit-requests", "60", "x-ratelimit-limit-tokens", "150000",
		"x-ratelimit-remaining-requests", "59", "x-ratelimit-remaining-tokens", "149984",
		"x-ratelimit-reset-requests", "1s", "x-ratelimit-reset-tokens", "6m0s")...)},
}

func BenchmarkReader(b *testing.B) {
	for _, c := range common {
		b.Run(c.name, func(b *testing.B) {
			var r Reader
			var h Hint
			b.ReportAllocs()
			for b.Loop() {
				readInto(&r, &h, 429, c.fields)
			}
		})
	}
}

func readInto(r *Reader, h *Hint, status int, all []benchField) {
	r.Reset(status, noon, noon)
	for i := range all {
		r.Field(all[i].name, all[i].value)
	}
	r.Hint(h)
}

func TestReadingCommonFamiliesAllocatesNothing(t *testing.T) {
	for _, c := range common {
		var r Reader
		var h Hint
		readInto(&r, &h, 429, c.fields)
		if (h.N == 0) != (c.name == "none" || c.name == "retry-after") {
			t.Errorf("%s: %d windows read", c.name, h.N)
		}
		if n := testing.AllocsPerRun(100, func() { readInto(&r, &h, 429, c.fields) }); n != 0 {
			t.Errorf("%s: %v allocations a response, want none", c.name, n)
		}
	}
}
