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

func TestAWrongCallPointsToTheHelpOfItsCommand(t *testing.T) {
	for want, args := range map[string][]string{
		"sluice --help": {"nothing"}, "sluice send --help": {"send", "--nothing"}, "sluice webhook list --help": {"webhook", "list", "--state"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(args, &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "`"+want+"`") {
			t.Errorf("%v: exit status %d, %q; want 2 and %s", args, code, stderr.String(), want)
		}
	}
}
