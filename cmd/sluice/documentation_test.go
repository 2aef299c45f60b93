package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/docs/examples"
)

// file is a word that names a file of the reader's own.
var file = regexp.MustCompile(`^[a-z./]+\.(yaml|crt|key)$`)

// TestTheCommandsInTheDocumentationAreUnderstood has the command line read them all, and runs none.
func TestTheCommandsInTheDocumentationAreUnderstood(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var commandsShown []examples.Command
	for _, page := range append(pages, "../../README.md") {
		blocks, err := examples.Blocks(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if b.Language != "" {
				continue
			}
			found, err := b.Commands("sluice", "bin/sluice")
			if err != nil {
				t.Fatal(err)
			}
			commandsShown = append(commandsShown, found...)
		}
	}
	if len(commandsShown) < 30 {
		t.Errorf("%d commands were found", len(commandsShown))
	}
	t.Chdir(t.TempDir())
	for _, c := range commandsShown {
		for _, word := range c.Words {
			if !file.MatchString(word) {
				continue
			}
			if err := os.MkdirAll(filepath.Dir(word), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(word, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		parser, err := kong.New(&commands{}, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(c.Words[1:]); err != nil {
			t.Errorf("%s: %q: %v", c.Where, c.Words, err)
		}
	}
}
