package badgerstore

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// keyring has the keys that Badger encrypts the files of the live database with: by AES in counter mode, each file by one of
// Badger's own, which it keeps in its registry under the directory's. It has one user at a time.
type keyring struct {
	dir   string
	key   []byte // none: nothing is encrypted
	known *badger.KeyRegistry
}

func (s *Store) keyring(dir string) *keyring {
	k := &keyring{dir: dir}
	if !s.opt.Key.IsZero() {
		k.key = s.opt.Key.Derive("live")
	}
	return k
}

// of returns the key of a number; nil where that is 0: such a file is not encrypted.
func (k *keyring) of(number uint64) (cipher.Block, error) {
	if number == 0 {
		return nil, nil
	}
	if k.known == nil {
		r, err := badger.OpenKeyRegistry(badger.KeyRegistryOptions{Dir: k.dir, ReadOnly: true, EncryptionKey: k.key})
		if err != nil {
			return nil, fmt.Errorf("reading %s in %s: %w: restore it from a backup", badger.KeyRegistryFileName, k.dir, err)
		}
		k.known = r
	}
	key, err := k.known.DataKey(number)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w: restore it from a backup", badger.KeyRegistryFileName, k.dir, err)
	}
	return aes.NewCipher(key.Data)
}

// ofTable returns the key of a table in use, as the manifest has it, which is being written: where that tells nothing of it just now,
// it is not known.
func (k *keyring) ofTable(id uint64) (key cipher.Block, known bool) {
	f, err := os.Open(filepath.Join(k.dir, badger.ManifestFilename))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(k.dir))
	if err != nil {
		return nil, false
	}
	table, known := m.Tables[id]
	if !known {
		return nil, false
	}
	key, err = k.of(table.KeyID)
	return key, err == nil
}

// unsealed returns what is encrypted of a table, its index or a block, with its vector behind it; false: it is too short for one.
func unsealed(b []byte, key cipher.Block) (plain []byte, ok bool) {
	at := len(b) - aes.BlockSize
	if key == nil || at < 0 {
		return b, key == nil
	}
	plain = make([]byte, at)
	cipher.NewCTR(key, b[at:]).XORKeyStream(plain, b[:at])
	return plain, true
}

// unsealedEntry returns key and value of a log's entry, which are encrypted with a vector of the log's and their place in it.
func unsealedEntry(b, log []byte, at int, key cipher.Block) []byte {
	vector := binary.BigEndian.AppendUint32(append(make([]byte, 0, aes.BlockSize), log[8:logHead]...), uint32(at)) //nolint:gosec // a log is some MiB
	plain := make([]byte, len(b))
	cipher.NewCTR(key, vector).XORKeyStream(plain, b)
	return plain
}
