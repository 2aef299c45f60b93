// Package examples reads the fenced blocks of the documentation and the commands in them, so that tests hold what people copy
// against what the code takes. It knows as much of a shell as the pages use, and runs nothing.
package examples

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Block is a fenced block of a page.
type Block struct {
	Page     string // its file
	Line     int    // of its opening fence, from 1
	Language string // what stands behind the fence; empty: a terminal
	Text     string
}

// Blocks returns the blocks of a page, in their order. It fails where the page cannot be read, or ends within a block.
func Blocks(page string) (blocks []Block, err error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	var open *Block
	for i, line := range strings.SplitAfter(string(text), "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &Block{Page: page, Line: i + 1, Language: strings.TrimSpace(language)}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += line
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: a block without an end", page, open.Line)
	}
	return blocks, nil
}

// Command is a command of a block.
type Command struct {
	Where   string // file:line
	Words   []string
	To      string // the file that its output goes to; empty: none
	Input   string // its here-document; empty: none
	Comment string // behind it
}

// Commands returns those commands of a block that begin with one of the names, with or without a prompt before them. All other
// lines are what a terminal shows.
func (b Block) Commands(names ...string) (commands []Command, err error) {
	rest, line := b.Text, b.Line
	for rest != "" {
		line++
		first, behind, _ := strings.Cut(rest, "\n")
		name, _, _ := strings.Cut(strings.TrimPrefix(first, "$ "), " ")
		if !slices.Contains(names, name) {
			rest = behind
			continue
		}
		s := scanner{text: strings.TrimPrefix(rest, "$ "), where: fmt.Sprintf("%s:%d", b.Page, line)}
		if err := s.list(); err != nil {
			return nil, err
		}
		for _, c := range s.done {
			if slices.Contains(names, c.Words[0]) {
				commands = append(commands, c)
			}
		}
		line += strings.Count(rest, "\n") - strings.Count(s.text, "\n") - 1
		rest = s.text
	}
	return commands, nil
}
