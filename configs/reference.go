package configs

import _ "embed" // for sluice.yaml

// Reference is sluice.yaml: every key at its default, with comments.
//
//go:embed sluice.yaml
var Reference []byte
