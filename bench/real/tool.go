package real

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Tool is something that destinations are made of.
type Tool string

// Toolbox is where the tools are: a program's path, a folder, or whatever is asked for by that name.
type Toolbox map[Tool]string

const (
	root    Tool = "the module's root"
	gateway Tool = "sluice" // what is measured

	// From Debian.
	nginx          Tool = "nginx"
	haproxy        Tool = "haproxy"
	varnishd       Tool = "varnishd"
	varnishncsa    Tool = "varnishncsa"
	vsthrottle     Tool = "libvmod_vsthrottle.so"
	node           Tool = "node"
	npm            Tool = "npm"
	python         Tool = "python3"
	flaskLimiter   Tool = "flask_limiter"
	djangoREST     Tool = "rest_framework"
	puma           Tool = "puma"
	rackAttack     Tool = "rack/attack"
	php            Tool = "php"
	symfonyLimiter Tool = "Symfony/Component/RateLimiter"

	// From the npm and Go packages that bench/real names.
	nodePackages Tool = "bench/real/node"
	servers      Tool = "bench/real/servers"
)

// debian says in which of Debian's packages a tool is, and how to see whether it is here.
var debian = map[Tool]struct {
	packages []string
	find     func(context.Context, Tool) (string, error)
}{
	nginx:        {[]string{"nginx"}, program},
	haproxy:      {[]string{"haproxy"}, program},
	varnishd:     {[]string{"varnish"}, program},
	varnishncsa:  {[]string{"varnish"}, program},
	vsthrottle:   {[]string{"varnish-modules"}, varnishModule},
	node:         {[]string{"nodejs"}, program},
	npm:          {[]string{"npm"}, program},
	python:       {[]string{"python3"}, systemPython},
	flaskLimiter: {[]string{"python3-flask-limiter"}, pythonModule},
	djangoREST:   {[]string{"python3-djangorestframework"}, pythonModule},
	puma:         {[]string{"puma"}, program},
	rackAttack:   {[]string{"ruby-rack-attack", "ruby-activesupport"}, rubyLibrary},
	php:          {[]string{"php-cli"}, program},

	symfonyLimiter: {[]string{"php-symfony-rate-limiter", "php-symfony-cache"}, phpLibrary},
}

// program finds one on the PATH or where servers are, which need not be on the PATH of a user.
func program(_ context.Context, t Tool) (string, error) {
	path, err := exec.LookPath(string(t))
	if err == nil {
		return path, nil
	}
	if found, inSbin := exec.LookPath(filepath.Join("/usr/sbin", string(t))); inSbin == nil {
		return found, nil
	}
	return "", err
}

func varnishModule(_ context.Context, t Tool) (string, error) {
	for _, where := range []string{"/usr/lib/*/varnish/vmods", "/usr/lib/varnish/vmods", "/usr/local/lib/varnish/vmods"} {
		if found, err := filepath.Glob(filepath.Join(where, string(t))); err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("%s: %w", t, fs.ErrNotExist)
}

// systemPython is the interpreter that Debian's modules are for, whichever comes first on the PATH.
func systemPython(context.Context, Tool) (string, error) { return exec.LookPath("/usr/bin/python3") }

func pythonModule(ctx context.Context, t Tool) (string, error) {
	path, err := systemPython(ctx, t)
	if err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, path, "-c", "import "+string(t)).CombinedOutput(); err != nil { //nolint:gosec // a constant
		return "", fmt.Errorf("python module %s: %w: %s", t, err, out)
	}
	return string(t), nil
}

func rubyLibrary(ctx context.Context, t Tool) (string, error) {
	script := "require 'active_support/cache'; require '" + string(t) + "'"
	if out, err := exec.CommandContext(ctx, "/usr/bin/ruby", "-ractive_support", "-e", script).CombinedOutput(); err != nil { //nolint:gosec // a constant
		return "", fmt.Errorf("ruby library %s: %w: %s", t, err, out)
	}
	return string(t), nil
}

func phpLibrary(_ context.Context, t Tool) (string, error) {
	for _, file := range []string{string(t), "Symfony/Component/Cache"} {
		if _, err := os.Stat(filepath.Join("/usr/share/php", file, "autoload.php")); err != nil {
			return "", err
		}
	}
	return string(t), nil
}

// look finds what is here of Debian's tools and returns those that are not.
func (box Toolbox) look(ctx context.Context, needs []Tool) (missing []Tool) {
	for _, t := range needs {
		kind, ok := debian[t]
		if !ok || box[t] != "" {
			continue
		}
		path, err := kind.find(ctx, t)
		if err != nil {
			missing = append(missing, t)
			continue
		}
		box[t] = path
	}
	return missing
}

// debianPackages names what to install for tools.
func debianPackages(tools []Tool) []string {
	var names []string
	for _, t := range tools {
		names = append(names, debian[t].packages...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// nodePackagesCurrent tells whether what npm ci put into dir is of the lockfile that is there.
func nodePackagesCurrent(dir string) bool {
	wanted, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return false
	}
	// npm writes this one last. https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json#hidden-lockfiles
	installed, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	return err == nil && !installed.ModTime().Before(wanted.ModTime())
}

// errMissing is what [Prepare] fails with when it is not to install.
var errMissing = errors.New("missing; `make destinations` installs what the tests need")
