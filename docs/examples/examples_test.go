package examples_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/sluice-gateway/sluice/docs/examples"
)

func page(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCommandsAreReadAsAShellDoes(t *testing.T) {
	name := page(t, "Text.\n\n```\ncat > a.yaml <<'END'\nkey: {a: b}\nEND\n"+
		"curl -d '{\"n\":\n  1}' -H \"A: b c\" http://x/?a=1   # it's said\n{\"answer\": \"isn't a command\"}\n"+
		"$ curl x | tool -a; tool b &\n```\n```yaml\nk: v\n```\n")
	blocks, err := examples.Blocks(name)
	if err != nil || len(blocks) != 2 || blocks[1].Language != "yaml" || blocks[1].Text != "k: v\n" {
		t.Fatalf("%+v, %v", blocks, err)
	}
	got, err := blocks[0].Commands("cat", "curl", "tool")
	if err != nil {
		t.Fatal(err)
	}
	want := []examples.Command{
		{Where: name + ":4", Words: []string{"cat"}, To: "a.yaml", Input: "key: {a: b}\n"},
		{Where: name + ":7", Words: []string{"curl", "-d", "{\"n\":\n  1}", "-H", "A: b c", "http://x/?a=1"}, Comment: "it's said"},
		{Where: name + ":10", Words: []string{"curl", "x"}},
		{Where: name + ":10", Words: []string{"tool", "-a"}},
		{Where: name + ":10", Words: []string{"tool", "b"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatHasNoEndIsAFault(t *testing.T) {
	if blocks, err := examples.Blocks(page(t, "```\ncurl x\n")); err == nil {
		t.Errorf("a block without an end: %+v", blocks)
	}
	for _, text := range []string{"curl 'x\n", "curl <<END\nx\n"} {
		blocks, err := examples.Blocks(page(t, "```\n"+text+"```\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := blocks[0].Commands("curl"); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func FuzzCommands(f *testing.F) {
	for _, text := range []string{"curl 'a' \"b\" > c", "curl <<'END'\nx\nEND\ncurl ; | & y # z", "$ curl $ tool\n\tcurl \\"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		commands, err := examples.Block{Page: "p", Text: text}.Commands("curl")
		for _, c := range commands {
			if err != nil || len(c.Words) == 0 || c.Words[0] != "curl" {
				t.Errorf("%q: %+v, %v", text, c, err)
			}
		}
	})
}
