package configs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/docs/examples"
)

// shortened is a digest of which a page shows the beginning.
var shortened = regexp.MustCompile(`[0-9a-f]{4}…`)

// TestTheYAMLInTheDocumentationIsValid, each block by itself.
func TestTheYAMLInTheDocumentationIsValid(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../README.md") {
		blocks, err := examples.Blocks(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if b.Language != "yaml" {
				continue
			}
			found++
			text := shortened.ReplaceAllStringFunc(b.Text, func(s string) string { return strings.Repeat(s[:4], 16) })
			if _, err := configs.Parse(page, []byte(text)); err != nil {
				t.Errorf("%s:%d: %v", b.Page, b.Line, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d blocks were found", found)
	}
}
