//go:build !linux

package badgerstore

import "os"

// syncData makes a file's bytes survive a power cut.
func syncData(f *os.File) error { return f.Sync() }
