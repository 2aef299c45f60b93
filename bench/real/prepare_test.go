package real

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatIsMissingIsNamedWithWhatInstallsIt(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	onlyGo := t.TempDir()
	if err := os.Symlink(goTool, filepath.Join(onlyGo, "go")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", onlyGo)
	_, err = Prepare(t.Context(), expresses(), false, io.Discard)
	if !errors.Is(err, errMissing) {
		t.Fatalf("without node: %v, want %v", err, errMissing)
	}
	for _, want := range []string{"node", "make destinations"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestAdviceIsACommandToTypeIn(t *testing.T) {
	err := advice(debianPackages([]Tool{varnishncsa, nginx, varnishd}), os.ErrPermission)
	if !errors.Is(err, os.ErrPermission) || !strings.HasSuffix(err.Error(), "apt-get install nginx varnish") {
		t.Errorf("%v: want the cause, and each package once", err)
	}
}

func TestNodePackagesAreCurrentUntilTheLockfileChanges(t *testing.T) {
	dir := t.TempDir()
	lock, installed := filepath.Join(dir, "package-lock.json"), filepath.Join(dir, "node_modules", ".package-lock.json")
	if nodePackagesCurrent(dir) {
		t.Error("current without a lockfile")
	}
	write := func(path string, at time.Time) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(lock, time.Unix(1000, 0))
	if nodePackagesCurrent(dir) {
		t.Error("current before anything was installed")
	}
	write(installed, time.Unix(2000, 0))
	if !nodePackagesCurrent(dir) {
		t.Error("not current after npm ci")
	}
	write(lock, time.Unix(3000, 0))
	if nodePackagesCurrent(dir) {
		t.Error("current though the lockfile is newer")
	}
}

func TestAGatewayThatIsNotThereIsSaidSoAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice")
	if err := (Toolbox{}).UseGateway(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want an error that names %s", err, path)
	}
}
