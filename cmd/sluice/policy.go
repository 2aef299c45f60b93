package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/configs"
)

// policyCmd shows how webhooks are treated: the presets, and the policies of a configuration file.
type policyCmd struct {
	List policyListCmd `cmd:"" help:"List presets and the policies of a file."`
	Show policyShowCmd `cmd:"" help:"Show a policy with everything it extends, as YAML."`
}

// policyFlags say whose policies are meant.
type policyFlags struct {
	Config string `short:"c" type:"existingfile" env:"SLUICE_CONFIG" placeholder:"FILE" help:"YAML file whose policies are shown beside the presets."`
}

// policies returns those of the file, or the default.
func (f *policyFlags) policies(k *kong.Context) (configs.Policies, error) {
	if f.Config == "" {
		return configs.Default().Policies, nil
	}
	conf, faults := checkFile(f.Config)
	if len(faults) > 0 {
		fmt.Fprintln(k.Stderr, faults)
		return nil, errFailed
	}
	return conf.Policies, nil
}

type policyListCmd struct {
	policyFlags
	Output string `short:"o" enum:"text,json" default:"text" help:"How they are printed: ${enum}."`
}

// Run prints a line for each policy.
func (c *policyListCmd) Run(k *kong.Context) error {
	policies, err := c.policies(k)
	if err != nil {
		return err
	}
	list := policies.List()
	if c.Output == "json" {
		out := json.NewEncoder(k.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(list)
	}
	table := tabwriter.NewWriter(k.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tIS\tEXTENDS")
	for _, p := range list {
		is := "policy"
		if p.Preset {
			is = "preset"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Name, is, strings.Join(p.Extends, ", "))
	}
	return table.Flush()
}

type policyShowCmd struct {
	policyFlags
	Name   string `arg:"" help:"The policy's name."`
	Source bool   `help:"A preset as its file has it: what it says itself, where that is documented, and why."`
}

// Run prints the policy. What it prints may be put below policies in a file, and means the same there.
func (c *policyShowCmd) Run(k *kong.Context) error {
	if c.Source {
		text, known := configs.PresetFile(c.Name)
		if !known {
			return usageError{fmt.Errorf("--source of policy %q: want a preset, one of %s", c.Name, strings.Join(configs.PresetNames(), ", "))}
		}
		_, err := k.Stdout.Write(text)
		return err
	}
	policies, err := c.policies(k)
	if err != nil {
		return err
	}
	text, err := policies.Show(c.Name)
	if err != nil {
		return usageError{err}
	}
	_, err = k.Stdout.Write(text)
	return err
}
