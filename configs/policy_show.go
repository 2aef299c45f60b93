package configs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Show returns a policy of a valid configuration, or a preset, as YAML that says everything, also what it leaves to what
// it extends: under `policies` it means the same. Its error says which policies there are.
func (p Policies) Show(name string) ([]byte, error) {
	if _, _, known := p.named(name); !known {
		return nil, fmt.Errorf("policy %q: there is none of this name: want one of %s", name, strings.Join(p.names(), ", "))
	}
	chain, _ := p.chain(name)
	var tree yaml.Node
	body, err := yaml.Dump(p.resolve(name))
	if err == nil {
		err = yaml.Load(body, &tree)
	}
	if err == nil {
		inLines(&tree, false)
		body, err = yaml.Dump(&tree, yaml.WithIndent(2))
	}
	if err != nil {
		return nil, fmt.Errorf("policy %q: %w", name, err)
	}
	return fmt.Appendf(nil, "# %s\n%s", strings.Join(append(chain, None), " extends "), body), nil
}

// inLines has lists of values, and what stands in a list, written in one line each.
func inLines(n *yaml.Node, within bool) {
	list := n.Kind == yaml.SequenceNode
	nested := func(item *yaml.Node) bool { return item.Kind != yaml.ScalarNode }
	if within || list && !slices.ContainsFunc(n.Content, nested) {
		n.Style |= yaml.FlowStyle
	}
	for _, item := range n.Content {
		inLines(item, within || list)
	}
}

// PolicyInfo is a policy in a list.
type PolicyInfo struct {
	Name    string   `json:"name"`
	Preset  bool     `json:"preset"`
	Extends []string `json:"extends"` // the nearest first; never nil
}

// List returns all policies of a valid configuration, the presets too, by name.
func (p Policies) List() []PolicyInfo {
	var list []PolicyInfo
	for _, name := range p.names() {
		chain, _ := p.chain(name)
		list = append(list, PolicyInfo{Name: name, Preset: isPreset(name), Extends: chain[1:]})
	}
	return list
}
