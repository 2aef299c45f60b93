package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"go.yaml.in/yaml/v4"
)

// MaxFile bounds a configuration file: a thousand hosts take some 100 KiB, and a file far beyond that is not one.
const MaxFile = 4 * MiB

// Load reads and parses a file; its errors are of the file system or Faults.
func Load(path string) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(path, data)
}

// read reads a file, as far as it may be read.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(MaxFile)+1))
}

// Parse reads YAML over the defaults and checks the whole; name is the file's, for faults. An empty file is the
// defaults. Its error is Faults, and names everything that is wrong.
func Parse(name string, data []byte) (*Config, error) {
	c := Default()
	k, err := parseInto(name, data, &c)
	if err != nil {
		return nil, err
	}
	c.Retention.follow(k)
	c.Limits.follow(k)
	c.Breaker.follow(k)
	c.check(k)
	if err := k.err(); err != nil {
		return nil, err
	}
	return &c, nil
}

// parseInto reads YAML over what a struct has, for checks to follow. Its error is of what is no YAML at all.
func parseInto[T any](name string, data []byte, to *T) (*checker, error) {
	k := newChecker(name)
	if Size(len(data)) > MaxFile {
		k.fail("", "", "is larger than "+MaxFile.String(), "a configuration file")
		return nil, k.err()
	}
	root, ok := k.tree(data)
	if !ok {
		return nil, k.err()
	}
	if root != nil {
		decoder{k, reflect.TypeFor[T]()}.value(root, "", reflect.ValueOf(to).Elem())
	}
	return k, nil
}

// tree parses YAML into its one document; nil when there is none.
func (k *checker) tree(data []byte) (root *yaml.Node, ok bool) {
	var docs []yaml.Node
	if err := yaml.Load(data, &docs, yaml.WithAllDocuments()); err != nil {
		at, problem := place{}, err.Error()
		if fault := (*yaml.LoadError)(nil); errors.As(err, &fault) {
			at, problem = place{line: fault.Mark.Line, column: fault.Mark.Column}, fault.Message
			if at.line == 0 { // of bytes that are no text, only the offset is told
				at.line = 1 + bytes.Count(data[:min(fault.Mark.Index, len(data))], []byte("\n"))
			}
		}
		k.failAt(at, "", "", "is not YAML: "+printable(problem), "YAML 1.2, as in `key: value`")
		return nil, false
	}
	switch {
	case len(docs) == 0 || len(docs[0].Content) == 0:
		return nil, true
	case len(docs) > 1:
		at := place{line: docs[1].Line, column: docs[1].Column}
		k.failAt(at, "", "", "is a second document", "one document: nothing after a line of ---")
		return nil, false
	}
	return docs[0].Content[0], true
}
