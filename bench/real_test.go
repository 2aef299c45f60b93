package main

import (
	"strings"
	"testing"
	"time"
)

func TestRealDestinationsAreChosenByName(t *testing.T) {
	c := realCmd{Only: "^nginx-limit-req", Duration: time.Minute, Parallel: 4}
	chosen, err := c.chosen()
	if err != nil {
		t.Fatal(err)
	}
	if len(chosen) == 0 {
		t.Error("none was chosen")
	}
	for _, d := range chosen {
		if !strings.HasPrefix(d.Name, "nginx-limit-req") {
			t.Errorf("%s was chosen by %s", d.Name, c.Only)
		}
	}
}

func TestRealRefusesWhatItCannotMeasure(t *testing.T) {
	for _, c := range []struct {
		name string
		cmd  realCmd
		says string
	}{
		{"no destination of that name", realCmd{Only: "apache", Duration: time.Minute, Parallel: 4}, "express-draft-8"},
		{"no expression", realCmd{Only: "(", Duration: time.Minute, Parallel: 4}, "--only"},
		{"no time", realCmd{Parallel: 4}, "--duration 0s"},
		{"nothing at once", realCmd{Duration: time.Minute}, "--parallel 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.cmd.chosen(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want an error that says %q", err, c.says)
			}
		})
	}
}
