package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Prepare returns what the destinations need. With install, what is missing is installed first: Debian's packages as
// root or by sudo, npm's and Go's as their lockfiles name them, below the module's root. Without, what is missing is an
// error; the Go program is built all the same. What takes time is said on progress.
func Prepare(ctx context.Context, destinations []Destination, install bool, progress io.Writer) (Toolbox, error) {
	var needs []Tool
	for i := range destinations {
		needs = append(needs, destinations[i].Needs...)
	}
	slices.Sort(needs)
	needs = slices.Compact(needs)
	dir, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	box := Toolbox{root: dir}

	packages := filepath.Join(dir, string(nodePackages))
	stale := slices.Contains(needs, nodePackages) && !nodePackagesCurrent(packages)
	if stale {
		needs = append(needs, npm)
	}
	missing := box.look(ctx, needs)
	switch {
	case len(missing) > 0 && !install:
		return nil, fmt.Errorf("%v: %w", missing, errMissing)
	case stale && !install:
		return nil, fmt.Errorf("%s/node_modules: %w", nodePackages, errMissing)
	case len(missing) > 0:
		if err := installDebian(ctx, debianPackages(missing), progress); err != nil {
			return nil, err
		}
		if missing = box.look(ctx, missing); len(missing) > 0 {
			return nil, fmt.Errorf("%v: not there though %v were installed", missing, debianPackages(missing))
		}
	}
	box[nodePackages] = packages
	if stale {
		if err := say(ctx, progress, packages, box[npm], "ci"); err != nil {
			return nil, fmt.Errorf("installing the Node destinations: %w", err)
		}
	}
	if slices.Contains(needs, servers) {
		box[servers] = filepath.Join(dir, "bin", "real-servers")
		if err := say(ctx, io.Discard, filepath.Join(dir, string(servers)), "go", "build", "-o", box[servers], "."); err != nil {
			return nil, fmt.Errorf("building the Go destinations: %w", err)
		}
	}
	return box, nil
}

// BuildGateway builds the sluice binary as a user would, into dir, and has destinations measured with it.
func (box Toolbox) BuildGateway(ctx context.Context, dir string) error {
	bin := filepath.Join(dir, "sluice")
	if err := say(ctx, io.Discard, box[root], "go", "build", "-o", bin, "./cmd/sluice"); err != nil {
		return fmt.Errorf("building sluice: %w", err)
	}
	return box.UseGateway(bin)
}

// UseGateway has destinations measured with a binary that is there, an earlier release, say.
func (box Toolbox) UseGateway(bin string) error {
	path, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(path); err != nil {
		return fmt.Errorf("the gateway to measure: %w", err)
	}
	box[gateway] = path
	return nil
}

// moduleRoot is the folder of the go.mod that the working directory is under.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("not within Sluice's source: run this from the module's root")
	}
	return filepath.Dir(mod), nil
}

// installDebian installs packages as root, or by a sudo that asks nothing.
func installDebian(ctx context.Context, packages []string, progress io.Writer) error {
	apt := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"}
	if os.Geteuid() != 0 {
		apt = slices.Concat([]string{"sudo", "-n"}, apt)
	}
	install := slices.Concat([]string{"install", "-y", "--no-install-recommends"}, packages)
	for _, step := range [][]string{{"update"}, install} {
		command := slices.Concat(apt, step)
		if err := say(ctx, progress, "/", command[0], command[1:]...); err != nil {
			return advice(packages, err)
		}
	}
	return nil
}

func advice(packages []string, err error) error {
	return fmt.Errorf("%s: missing, and cannot be installed from here: %w\ninstall them, as root: apt-get install %s",
		strings.Join(packages, ", "), err, strings.Join(packages, " "))
}

// say runs a command, names it on progress, and puts what it said into its error.
func say(ctx context.Context, progress io.Writer, dir, name string, args ...string) error {
	fmt.Fprintf(progress, "%s %s\n", name, strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // commands of this file
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		const enough = 4096
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out[max(0, len(out)-enough):])
	}
	return nil
}
