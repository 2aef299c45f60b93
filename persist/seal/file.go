package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// maxKeyFile bounds what is read of a key file: 32 bytes in hexadecimal and the end of the line.
const maxKeyFile = 128

// ReadKeyFile reads a key of 16, 24 or 32 bytes: in hexadecimal, in base64, or as they are. Text may end with a newline.
// What can be read as text is: 32 bytes that look like hexadecimal are a key of 16. A file that others may read, or
// anyone but its owner write, is refused: owner and group may read it, as where a cluster mounts secrets.
func ReadKeyFile(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("encryption key: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("encryption key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return Key{}, fmt.Errorf("%w: %s has the permissions %04o: want it readable by its owner only: chmod 600 %s",
			ErrKey, path, mode, path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return Key{}, fmt.Errorf("encryption key: %w", err)
	}
	k, err := parseKey(b)
	if err != nil {
		return Key{}, fmt.Errorf("%w in %s: make one with openssl rand -hex 32", err, path)
	}
	return k, nil
}

func parseKey(b []byte) (Key, error) {
	text := bytes.TrimRight(b, "\r\n")
	if key, err := hex.DecodeString(string(text)); err == nil && isKeySize(len(key)) {
		return NewKey(key)
	}
	if key, err := base64.StdEncoding.DecodeString(string(text)); err == nil && isKeySize(len(key)) {
		return NewKey(key)
	}
	if isKeySize(len(b)) {
		return NewKey(b)
	}
	if len(b) > maxKeyFile {
		return Key{}, fmt.Errorf("%w: more than %d bytes, want 16, 24 or 32, or as many in hexadecimal or base64", ErrKey, maxKeyFile)
	}
	return Key{}, fmt.Errorf("%w: %d bytes, want 16, 24 or 32, or as many in hexadecimal or base64", ErrKey, len(b))
}
