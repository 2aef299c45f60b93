package examples

import (
	"fmt"
	"strings"
)

// scanner reads the commands of a line, which goes on over line ends within quotes: words, both kinds of quotes, comments,
// pipes, lists, an output file and a here-document (POSIX.1-2017, "Shell Command Language"). Nothing is expanded.
type scanner struct {
	text  string // what is left
	where string
	now   Command
	done  []Command
	end   string // of the here-document behind the line; empty: there is none
}

// list reads to the end of the line, and the here-document behind it.
func (s *scanner) list() error {
	for {
		s.text = strings.TrimLeft(s.text, " \t")
		switch {
		case s.text == "":
			s.over()
			return nil
		case s.text[0] == '\n':
			s.text = s.text[1:]
			return s.document()
		case s.text[0] == '#':
			s.now.Comment, s.text, _ = strings.Cut(s.text, "\n")
			s.now.Comment = strings.TrimLeft(s.now.Comment, "# ")
			return s.document()
		case strings.ContainsRune(";|&", rune(s.text[0])):
			s.text = s.text[1:]
			s.over()
		case strings.HasPrefix(s.text, "<<"):
			s.text = s.text[2:]
			if err := s.word(&s.end); err != nil {
				return err
			}
		case s.text[0] == '>':
			s.text = strings.TrimLeft(s.text[1:], " ")
			if err := s.word(&s.now.To); err != nil {
				return err
			}
		default:
			var word string
			if err := s.word(&word); err != nil {
				return err
			}
			s.now.Words = append(s.now.Words, word)
		}
	}
}

// over ends a command.
func (s *scanner) over() {
	if len(s.now.Words) > 0 {
		s.now.Where = s.where
		s.done = append(s.done, s.now)
	}
	s.now = Command{}
}

// document reads the here-document that the line announced, if any.
func (s *scanner) document() error {
	if s.end != "" {
		input, behind, found := strings.Cut(s.text, s.end+"\n")
		if !found {
			return fmt.Errorf("%s: a here-document without %s", s.where, s.end)
		}
		s.now.Input, s.text = input, behind
	}
	s.over()
	return nil
}

// word reads a word.
func (s *scanner) word(to *string) error {
	for s.text != "" {
		c := s.text[0]
		switch {
		case c == '\'' || c == '"':
			quoted, behind, closed := strings.Cut(s.text[1:], string(c))
			if !closed {
				return fmt.Errorf("%s: a quote without an end", s.where)
			}
			*to += quoted
			s.text = behind
		case strings.ContainsRune(" \t\n;|&>", rune(c)):
			return nil
		default:
			*to += s.text[:1]
			s.text = s.text[1:]
		}
	}
	return nil
}
