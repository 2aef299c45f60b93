package gateway

import (
	"fmt"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// dataKey reads the key that the data directory is encrypted with; the zero Key where the configuration names none.
func dataKey(conf *configs.Config) (seal.Key, error) {
	path := conf.Data.EncryptionKeyFile
	if path == "" {
		return seal.Key{}, nil
	}
	key, err := seal.ReadKeyFile(path)
	if err != nil {
		return key, fmt.Errorf("data.encryption_key_file: %w", err)
	}
	return key, nil
}
