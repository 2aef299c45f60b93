package configs

import (
	"encoding"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// readText reads a text as a value of type T.
func readText[T any](text string) (T, error) {
	var v T
	err := any(&v).(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	return v, err
}

// checkForms checks that texts read as their values, and that each value's own form reads as the same value, alone
// and through YAML.
func checkForms[T any](t *testing.T, forms map[string]T) {
	t.Helper()
	for text, want := range forms {
		got, err := readText[T](text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q reads as %v, %v; want %v", text, got, err, want)
			continue
		}
		data, err := yaml.Dump(map[string]T{"v": got})
		if err != nil {
			t.Fatal(err)
		}
		var again map[string]T
		if err := yaml.Load(data, &again); err != nil || !reflect.DeepEqual(again["v"], want) {
			t.Errorf("%q is written as %s and read as %v, %v", text, data, again["v"], err)
		}
	}
}

// checkRefused checks that texts are refused, with a problem that holds what the table says.
func checkRefused[T any](t *testing.T, texts map[string]string) {
	t.Helper()
	for text, problem := range texts {
		if got, err := readText[T](text); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q reads as %v, %v; want %q", text, got, err, problem)
		}
	}
}

func TestDurationForms(t *testing.T) {
	checkForms(t, map[string]Duration{
		"0": 0, "0s": 0, "250ms": Duration(250 * time.Millisecond), "30s": 30 * second, "90s": 90 * second,
		"1h30m": 90 * minute, "7d": 7 * day, "1d12h": 36 * hour, "1.5d": 36 * hour, "0d": 0, "72h": 72 * hour,
		"1h0m1s": hour + second, "106751d": 106751 * day,
	})
	checkRefused[Duration](t, map[string]string{
		"": "is not", "60": "has no unit", "1.5": "has no unit", "-5s": "is negative", "d": "is not", "-1d": "is not",
		"5 s": "is not", "1d-1h": "is negative", "1d+1h": "is not", "1h1d": "is not", "1dd": "is not", "1w": "is not", "106752d": "292 years",
		"106751d24h": "292 years", "99999999999999999999d": "292 years", "1e3s": "is not",
	})
}

func TestDurationStringIsShort(t *testing.T) {
	for d, want := range map[Duration]string{
		0: "0s", second: "1s", minute: "1m", 90 * second: "1m30s", hour: "1h", 90 * minute: "1h30m", 72 * hour: "72h",
		hour + second: "1h0m1s", 10 * minute: "10m", 20 * hour: "20h", Duration(time.Millisecond): "1ms",
	} {
		if got := d.String(); got != want {
			t.Errorf("%d ns is %q, want %q", int64(d), got, want)
		}
	}
}

func TestSizeForms(t *testing.T) {
	checkForms(t, map[string]Size{
		"0": 0, "1": 1, "1024": KiB, "768KiB": 768 * KiB, "2GiB": 2 * GiB, "10GB": 1e10, "5B": 5, "3 MiB": 3 * MiB,
		"1TiB": TiB, "9223372036854775807": math.MaxInt64, "8388607TiB": 8388607 * TiB,
	})
	checkRefused[Size](t, map[string]string{
		"": "is not", "10G": "is not", "-1": "is not", "1.5GiB": "is not", "GiB": "is not", "1e9": "is not",
		"10 000": "is not", "8388608TiB": "63 bits", "9223372036854775808": "is not", "10gib": "is not", "1kB": "is not",
	})
}

func TestSizeStringIsShort(t *testing.T) {
	for s, want := range map[Size]string{
		0: "0", 1: "1", 1000: "1KB", 1023: "1023", KiB: "1KiB", 768 * KiB: "768KiB", 10 * GiB: "10GiB", 1e10: "10GB",
	} {
		if got := s.String(); got != want {
			t.Errorf("%d bytes are %q, want %q", int64(s), got, want)
		}
	}
}

func TestRateForms(t *testing.T) {
	checkForms(t, map[string]Rate{
		"10/s": {10, time.Second}, "190/10s": {190, 10 * time.Second}, "600/min": {600, time.Minute},
		"600/m": {600, time.Minute}, "5000/h": {5000, time.Hour}, "250000/24h": {250000, 24 * time.Hour},
		"250000/d": {250000, 24 * time.Hour}, "1/250ms": {1, 250 * time.Millisecond}, "1/1s": {1, time.Second},
		"unlimited": Unlimited,
	})
	checkRefused[Rate](t, map[string]string{
		"": "no time to count over", "10": "no time to count over", "0/s": "lets nothing through", "-1/s": "not a whole number",
		"1.5/s": "not a whole number", "/s": "has no number", "10/": "no time after", "10/0s": "over no time",
		"10/fortnight": "no time after", "10/-1s": "no time after", "10/s/s": "no time after", "10 /s": "not a whole number",
		"99999999999999999999/s": "too large", "Unlimited": "no time to count over",
	})
}

func TestRatePerSecond(t *testing.T) {
	for r, want := range map[Rate]float64{
		{}: 0, {10, time.Second}: 10, {190, 10 * time.Second}: 19, {600, time.Minute}: 10, {1, 250 * time.Millisecond}: 4,
		Unlimited: math.Inf(1),
	} {
		if got := r.PerSecond(); got != want {
			t.Errorf("%v is %v/s, want %v/s", r, got, want)
		}
	}
}

func TestWindowForms(t *testing.T) {
	checkForms(t, map[string]Window{"100/10s": {100, 10 * time.Second}, "250000/24h": {250000, 24 * time.Hour}})
	checkRefused[Window](t, map[string]string{"unlimited": "no time to count over", "0/24h": "lets nothing through"})
}

func TestByForms(t *testing.T) {
	checkForms(t, map[string]By{
		"host": {Kind: ByHost}, "authorization": {Kind: ByAuthorization}, "limit_key": {Kind: ByLimitKey},
		"path": {Kind: ByPath}, "path:2": {Kind: ByPath, Segments: 2}, "path:16": {Kind: ByPath, Segments: 16},
	})
	checkRefused[By](t, map[string]string{
		"": "is not known", "Host": "is not known", "host:2": "takes no number", "host:": "takes no number",
		"path:": "1 to 16", "path:0": "1 to 16", "path:17": "1 to 16", "path:-1": "1 to 16", "path:a": "1 to 16",
	})
}

func TestNetForms(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "fd00::/8": "fd00::/8", "192.0.2.7": "192.0.2.7/32", "::1": "::1/128", "0.0.0.0/0": "0.0.0.0/0",
	} {
		if got, err := readText[Net](text); err != nil || got.String() != want {
			t.Errorf("%q reads as %v, %v; want %s", text, got, err, want)
		}
	}
	checkRefused[Net](t, map[string]string{
		"": "is not a network", "localhost": "is not a network", "10.0.0.1/8": "want 10.0.0.0/8", "10.0.0.0/33": "is not a network",
		"fe80::1%eth0": "is not a network", "::ffff:10.0.0.0/104": "is not a network", "::ffff:10.0.0.1": "is not a network",
	})
}
