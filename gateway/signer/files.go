package signer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/namedfile"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
)

// ReadFiles reads the secrets that policies name: a file has one in each line, the newest first. Its error tells of every
// file that cannot be used.
func ReadFiles(policies policy.Set) (map[policy.Signature]*sign.Signer, error) {
	signers := map[policy.Signature]*sign.Signer{}
	var faults []error
	for _, name := range policies.Names() {
		for _, by := range policies[name].Sign {
			if by.SecretFile == "" || signers[by] != nil {
				continue
			}
			signer, err := readSigner(by)
			if err != nil {
				faults = append(faults, fmt.Errorf("policies.%s.sign: secret_file: %w", name, err))
				continue
			}
			signers[by] = signer
		}
	}
	return signers, errors.Join(faults...)
}

func readSigner(by policy.Signature) (*sign.Signer, error) {
	text, err := namedfile.Read(by.SecretFile)
	if err != nil {
		return nil, err
	}
	var secrets []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			secrets = append(secrets, line)
		}
	}
	signer, err := sign.New(sign.Scheme(by.Scheme), secretsOf(secrets)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: want a secret in each line, the newest first", by.SecretFile, err)
	}
	return signer, nil
}

func secretsOf(texts []string) []sign.Secret {
	secrets := make([]sign.Secret, len(texts))
	for i, text := range texts {
		secrets[i] = sign.NewSecret(text)
	}
	return secrets
}
