package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/sluice-gateway/sluice/persist/badgerstore"
)

// recordCrashes has the Go runtime write why this process crashes into its data directory, beside what it writes to stderr: for
// the next start, which then looks at all that is stored. A directory that holds nothing yet is left alone.
func recordCrashes(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "FORMAT")); err != nil {
		return nil // there is no store yet, or opening it says why
	}
	file, err := os.OpenFile(badgerstore.CrashLog(dir), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("what a crash would leave cannot be written: %w", err)
	}
	defer file.Close() // the runtime has its own
	return debug.SetCrashOutput(file, debug.CrashOptions{})
}
