package gateway

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// laneKeyFile holds the secret that keys the digests of credentials in lanes, so that what the store keeps of a
// credential tells nothing without it.
const laneKeyFile = "lane.key"

// laneSecret reads the secret of a data directory, and makes it on the first start.
func laneSecret(dir string) (secret [32]byte, err error) {
	path := filepath.Join(dir, laneKeyFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil && len(b) == len(secret):
		return [32]byte(b), nil
	case err == nil:
		return secret, fmt.Errorf("%s: %d bytes, want %d: restore it, or remove it to learn credentials' limits anew",
			path, len(b), len(secret))
	case !errors.Is(err, fs.ErrNotExist):
		return secret, err
	}
	rand.Read(secret[:])
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return secret, err
	}
	_, err = f.Write(secret[:])
	return secret, errors.Join(err, f.Sync(), f.Close())
}
