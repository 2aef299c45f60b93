// Package namedfile reads the files that a configuration names: certificates, keys, secrets. They are read again while the gateway
// runs, where nobody may be kept waiting. It never writes one, nor tells what is in it.
package namedfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// Open opens a file for reading. What is no regular file, or a link to one, is refused before it is opened: a pipe would be waited
// for until somebody writes to it, and a device may have no end. Its errors are of type *fs.PathError.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is not a regular file, which can be read again")}
	}
	return os.Open(path)
}

// Read reads a file that Open opens, whole.
func Read(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
