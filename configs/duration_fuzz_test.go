package configs

import "testing"

// FuzzDuration reads any text as a length of time: what is taken is not negative, and is read again as what it is written as.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{"0", "250ms", "1h30m", "7d", "1.5d", "1d12h", "106751d", "-5s", "1d-1h", "5 s", "1w"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d, again Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			return
		}
		if err := again.UnmarshalText([]byte(d.String())); d < 0 || err != nil || again != d {
			t.Fatalf("%q is %d, written as %s, and that is %d, %v", text, int64(d), d, int64(again), err)
		}
	})
}
