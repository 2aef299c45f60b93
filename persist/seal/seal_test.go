package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The vectors of c2sp.org/XAES-256-GCM, one for each value of the most significant bit of CMAC's L.
func TestSealedAsThePublishedVectors(t *testing.T) {
	nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
	for _, v := range []struct {
		key   byte
		place string
		want  string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		s := newSealer(bytes.Repeat([]byte{v.key}, 32))
		got := s.seal(nil, nonce, []byte("XAES-256-GCM"), []byte(v.place))
		if hex.EncodeToString(got) != v.want {
			t.Errorf("%x, want %s", got, v.want)
		}
		if message, err := s.Open(append(nonce[:24:24], got...), []byte(v.place)); err != nil || string(message) != "XAES-256-GCM" {
			t.Errorf("opened: %q, %v", message, err)
		}
	}
}

func testKey(t testing.TB, b byte) Key {
	t.Helper()
	k, err := NewKey(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhatWasChangedOrBelongsElsewhereDoesNotOpen(t *testing.T) {
	k := testKey(t, 7)
	s := k.Sealer("test")
	sealed := s.Seal([]byte("before "), []byte("message"), []byte("place"))[len("before "):]
	if len(sealed) != len("message")+Overhead {
		t.Errorf("%d bytes", len(sealed))
	}
	if got, err := s.Open(sealed, []byte("place")); err != nil || string(got) != "message" {
		t.Fatalf("%q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"elsewhere":       func() ([]byte, error) { return s.Open(sealed, []byte("another")) },
		"another purpose": func() ([]byte, error) { return k.Sealer("other").Open(sealed, []byte("place")) },
		"another key":     func() ([]byte, error) { return testKey(t, 8).Sealer("test").Open(sealed, []byte("place")) },
		"cut":             func() ([]byte, error) { return s.Open(sealed[:len(sealed)-1], []byte("place")) },
		"almost nothing":  func() ([]byte, error) { return s.Open(sealed[:Overhead-1], []byte("place")) },
		"nothing":         func() ([]byte, error) { return s.Open(nil, nil) },
	} {
		if got, err := open(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for i := range len(sealed) * 8 {
		changed := bytes.Clone(sealed)
		changed[i/8] ^= 1 << (i % 8)
		if got, err := s.Open(changed, []byte("place")); err == nil {
			t.Fatalf("bit %d changed: %q", i, got)
		}
	}
}

func TestTheSameMessageIsNeverSealedTheSame(t *testing.T) {
	s := testKey(t, 7).Sealer("test")
	if one, two := s.Seal(nil, []byte("m"), nil), s.Seal(nil, []byte("m"), nil); bytes.Equal(one, two) {
		t.Errorf("twice %x", one)
	}
}

func TestNoKeySealsNothing(t *testing.T) {
	if s := (Key{}).Sealer("test"); s != nil {
		t.Error("there is a sealer of no key")
	}
}

func TestKeysShowThemselvesNowhere(t *testing.T) {
	k, err := NewKey([]byte("sesame, sesame!!"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(format, struct{ K Key }{k}); strings.Contains(text, "sesame") || strings.Contains(text, "736573") {
			t.Errorf("%s: %s", format, text)
		}
	}
	if text, err := json.Marshal(k); err == nil {
		t.Errorf("encoded as %s", text)
	}
}

func TestKeyFilesAreReadInEveryForm(t *testing.T) {
	for _, n := range []int{16, 24, 32} {
		key := bytes.Repeat([]byte{0xe7}, n)
		want, err := NewKey(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			string(key), hex.EncodeToString(key), hex.EncodeToString(key) + "\n", strings.ToUpper(hex.EncodeToString(key)),
			base64.StdEncoding.EncodeToString(key) + "\r\n",
		} {
			if k, err := ReadKeyFile(keyFile(t, text, 0o600)); err != nil || k != want {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

func keyFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPoorKeyFilesAreRefusedWithoutBeingShown(t *testing.T) {
	good := strings.Repeat("5e", 32)
	for name, c := range map[string]struct{ path, want string }{
		"absent":                  {filepath.Join(t.TempDir(), "none"), "no such file"},
		"a directory":             {t.TempDir(), ""},
		"empty":                   {keyFile(t, "", 0o600), "0 bytes, want 16, 24 or 32"},
		"short":                   {keyFile(t, "5e5e5e", 0o600), "6 bytes, want"},
		"long":                    {keyFile(t, strings.Repeat("5e", 200), 0o600), "more than 128 bytes"},
		"readable by all":         {keyFile(t, good, 0o644), "0644: want it readable by its owner only"},
		"writable by the group":   {keyFile(t, good, 0o660), "chmod 600"},
		"executable by all, even": {keyFile(t, good, 0o601), "chmod 600"},
	} {
		k, err := ReadKeyFile(c.path)
		if err == nil || !k.IsZero() || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "5e5e5e5e") {
			t.Errorf("%s: %v, want it to say %s", name, err, c.want)
		}
	}
	if _, err := ReadKeyFile(keyFile(t, good, 0o440)); err != nil {
		t.Errorf("readable by owner and group: %v", err)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte(strings.Repeat("5e", 32)))
	f.Add([]byte("5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKey(b)
		if err == nil == k.IsZero() {
			t.Fatalf("%v of %q", err, b)
		}
		if err == nil && !isKeySize(len(k.secret)) {
			t.Errorf("%d bytes", len(k.secret))
		}
	})
}

func FuzzOpen(f *testing.F) {
	s := testKey(f, 7).Sealer("test")
	f.Add(s.Seal(nil, []byte("message"), nil), []byte(nil))
	f.Fuzz(func(t *testing.T, sealed, place []byte) {
		if message, err := s.Open(sealed, place); err == nil && len(message)+Overhead != len(sealed) {
			t.Errorf("%d bytes of %d", len(message), len(sealed))
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	s := testKey(b, 7).Sealer("test")
	message := make([]byte, 1024)
	room := make([]byte, 0, 2048)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		s.Seal(room, message, nil)
	}
}
