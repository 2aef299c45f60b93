package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestHelpAndVersionAreAskedForAsElsewhere(t *testing.T) {
	for _, same := range [][2][]string{
		{{"help"}, {"--help"}},
		{{"help", "webhook"}, {"webhook", "--help"}},
		{{"help", "webhook", "list"}, {"webhook", "list", "--help"}},
	} {
		var got, want, talk bytes.Buffer
		code := run(same[0], &got, &talk) + run(same[1], &want, &talk)
		if code != 0 || got.String() != want.String() || !strings.Contains(got.String(), "Usage: sluice") {
			t.Errorf("%q: exit %d, %q, want what %q says", same[0], code, got.String(), same[1])
		}
	}
	if code := run([]string{"--version"}, &bytes.Buffer{}, &bytes.Buffer{}); code != 0 {
		t.Errorf("--version: exit %d", code)
	}
}
