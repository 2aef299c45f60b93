package configs

import (
	"embed"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// presetFiles are the presets, a file each, named for it: policies in the keys of `policies`, written to be read.
//
//go:embed presets/*.yaml
var presetFiles embed.FS

var presets = sync.OnceValue(func() map[string]Policy {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		panic(err) // they are part of the binary
	}
	all := map[string]Policy{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".yaml")
		text, _ := PresetFile(name)
		of, err := parsePolicy(path.Join("presets", e.Name()), text)
		if err != nil { // a test parses them too
			panic(err)
		}
		all[name] = *of
	}
	return all
})

// parsePolicy reads a file that is one policy.
func parsePolicy(file string, text []byte) (*Policy, error) {
	k := newChecker(file)
	of := new(Policy)
	if root, ok := k.tree(text); ok && root != nil {
		decoder{k, reflect.TypeFor[Policy]()}.value(root, "", reflect.ValueOf(of).Elem())
		of.check(k, "")
	}
	if err := k.err(); err != nil {
		return nil, err
	}
	return of, nil
}

// PresetFile returns the YAML of a preset, with its comments: what it is after, and where that is documented.
func PresetFile(name string) (text []byte, known bool) {
	text, err := presetFiles.ReadFile(path.Join("presets", name+".yaml"))
	return text, err == nil
}

// PresetNames returns the names of all presets, sorted.
func PresetNames() []string { return slices.Sorted(maps.Keys(presets())) }

func isPreset(name string) bool {
	_, is := presets()[name]
	return is
}

// names returns the names of all policies, the presets and policy.Default among them.
func (p Policies) names() []string {
	all := map[string]bool{policy.Default: true}
	for _, name := range slices.Concat(PresetNames(), slices.Collect(maps.Keys(p))) {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}
