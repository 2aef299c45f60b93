package signer

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/namedfile"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
)

// FileFault is what is wrong with the secret_file of a policy. It never tells the file's content.
type FileFault struct {
	Policy, File string
	Problem      string
}

// ReadFiles reads the secrets that policies name: a file has one in each line, the newest first. It returns every fault of
// theirs.
func ReadFiles(policies policy.Set) (map[policy.Signature]*sign.Signer, []FileFault) {
	signers := map[policy.Signature]*sign.Signer{}
	var faults []FileFault
	for _, name := range policies.Names() {
		for _, by := range policies[name].Sign {
			if by.SecretFile == "" || signers[by] != nil {
				continue
			}
			signer, err := readSigner(by)
			if err != nil {
				faults = append(faults, FileFault{name, by.SecretFile, err.Error()})
				continue
			}
			signers[by] = signer
		}
	}
	return signers, faults
}

func readSigner(by policy.Signature) (*sign.Signer, error) {
	text, err := namedfile.Read(by.SecretFile)
	if err != nil {
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = at.Err // the path is told beside it
		}
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	var secrets []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			secrets = append(secrets, line)
		}
	}
	return sign.New(sign.Scheme(by.Scheme), secretsOf(secrets)...)
}

func secretsOf(texts []string) []sign.Secret {
	secrets := make([]sign.Secret, len(texts))
	for i, text := range texts {
		secrets[i] = sign.NewSecret(text)
	}
	return secrets
}
