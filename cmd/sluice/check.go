package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

// checkCmd reads configuration files as serve would, and acts on none of them. Faults are data and go to stdout; the
// summary, one line a file, goes to stderr.
type checkCmd struct {
	Files  []string `arg:"" name:"file" help:"Configuration files (YAML)."`
	Output string   `short:"o" enum:"text,json" default:"text" help:"How faults are printed: ${enum}."`
}

// Run prints every fault of every file. It fails when there is one.
func (c *checkCmd) Run(k *kong.Context) error {
	faults := configs.Faults{}
	for _, name := range c.Files {
		conf, found := checkFile(name)
		if len(found) == 0 {
			fmt.Fprintf(k.Stderr, "%s: valid; %s\n", name, summary(conf))
			for _, line := range conf.Warnings() {
				fmt.Fprintf(k.Stderr, "%s: to know: %s\n", name, line)
			}
			continue
		}
		fmt.Fprintf(k.Stderr, "%s: %s\n", name, count(len(found), "fault", "faults"))
		faults = append(faults, found...)
	}
	if err := printFaults(k, c.Output, faults); err != nil {
		return err
	}
	if len(faults) > 0 {
		return errFailed
	}
	return nil
}

// printFaults prints the faults of files, none too, as text or json.
func printFaults(k *kong.Context, output string, faults configs.Faults) error {
	if output == "json" {
		out := json.NewEncoder(k.Stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(struct {
			Valid  bool           `json:"valid"`
			Faults configs.Faults `json:"faults"`
		}{len(faults) == 0, faults})
	}
	if len(faults) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(k.Stdout, faults)
	return err
}

// checkFile returns a file's configuration or its faults; that it cannot be read is one.
func checkFile(name string) (*configs.Config, configs.Faults) {
	conf, err := configs.Load(name)
	if err == nil {
		return conf, filesOf(name, conf)
	}
	var faults configs.Faults
	if errors.As(err, &faults) {
		return nil, faults
	}
	var reason *fs.PathError
	if errors.As(err, &reason) {
		err = reason.Err // the operation and the path are said already
	}
	return nil, configs.Faults{{File: name, Problem: "cannot be read: " + err.Error(), Want: "a readable file"}}
}

// filesOf returns the faults of the files that a configuration names.
func filesOf(name string, conf *configs.Config) configs.Faults {
	faults := gateway.CheckFiles(conf)
	for i := range faults {
		faults[i].File = name
	}
	return faults
}

// summary says the little by which a person recognises a configuration.
func summary(c *configs.Config) string {
	return fmt.Sprintf("listens on %s, data in %s, %s, %s", c.Listen, c.Data.Dir,
		count(len(c.Limits.Hosts), "host", "hosts"), count(len(c.Policies), "policy", "policies"))
}

// count returns n with the noun that goes with it.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
