package front

import (
	"strings"
	"testing"
	"time"
)

// FuzzFilter reads any parameters of the log's query: a problem says which, or what was read is in order.
func FuzzFilter(f *testing.F) {
	f.Add("state", "failed", "status", "5xx")
	f.Add("since", "2026-01-31T09:30:00Z", "until", "2026-01-31T10:30:00.123+01:00")
	f.Add("host", "API.example.com:80", "status", "404")
	f.Add("tenant", "eu", "since", "-1")
	f.Add("flow", "", "status", "+40")
	f.Add("status", "0x1", "until", "9999-12-31T23:59:60Z")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		filter, p := readFilter(map[string]string{name1: value1, name2: value2}, &principal{}, func(name string) string { return name })
		if p != nil {
			if p.Status != 400 || p.Detail == "" || !strings.Contains(p.Detail, "want") && !strings.Contains(p.Title, "want") {
				t.Fatalf("%+v does not say what would be right", p)
			}
			return
		}
		if filter.StatusFrom > filter.StatusTo || filter.StatusFrom < 0 || filter.StatusTo > 599 ||
			(filter.StatusFrom == 0) != (filter.StatusTo == 0) || filter.StatusFrom > 0 && filter.StatusFrom < 100 {
			t.Fatalf("status %d to %d", filter.StatusFrom, filter.StatusTo)
		}
		if filter.Since < 0 || filter.Until < 0 || filter.Since > 0 && filter.Until > 0 && filter.Since >= filter.Until {
			t.Fatalf("from %d until %d", filter.Since, filter.Until)
		}
		if filter.Host != strings.ToLower(filter.Host) {
			t.Fatalf("host %q", filter.Host)
		}
	})
}

// FuzzInstant holds what is read as an instant against what it is written as.
func FuzzInstant(f *testing.F) {
	for _, text := range []string{"2026-01-31T09:30:00Z", "2026-01-31T09:30:00.123456789+14:00", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.001Z", "2026-02-30T00:00:00Z", "2h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ms, ok := readInstant(text)
		if !ok {
			return
		}
		again, ok := readInstant(time.UnixMilli(ms).UTC().Format(time.RFC3339Nano))
		if ms <= 0 || !ok || again != ms {
			t.Fatalf("%q is %d, and that %d, %v", text, ms, again, ok)
		}
	})
}

// FuzzNameCursor reads any cursor of a list by name; what it wrote itself it reads as it was.
func FuzzNameCursor(f *testing.F) {
	f.Add("")
	f.Add("YS5leGFtcGxl")
	f.Add(nameCursor(flowPlace("default", "spring sale/1")))
	f.Fuzz(func(t *testing.T, text string) {
		if name, ok := readNameCursor(nameCursor(text)); !ok || name != text {
			t.Fatalf("%q came back as %q, %v", text, name, ok)
		}
		name, ok := readNameCursor(text)
		if !ok {
			return
		}
		tenant, flow, ok := readFlowPlace(name)
		if ok && name != "" && flowPlace(tenant, flow) != name {
			t.Fatalf("%q is flow %q of %q", name, flow, tenant)
		}
	})
}
