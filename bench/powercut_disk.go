package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// imageSize is of the file that holds a file system; it takes only what is written.
const imageSize = 4 << 30

// disk is a file system in a file, whose power can be cut.
type disk struct {
	image, mountpoint string
	mounted           bool
}

// newDisk makes and mounts a file system in a directory of its own.
func newDisk(ctx context.Context, dir, fs string) (*disk, error) {
	d := &disk{image: filepath.Join(dir, "image"), mountpoint: filepath.Join(dir, "mnt")}
	if err := os.MkdirAll(d.mountpoint, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(d.image, imageSize); err != nil {
		return nil, err
	}
	if err := tell(ctx, "mkfs", "-t", fs, d.image); err != nil {
		return nil, err
	}
	return d, d.mount(ctx)
}

func (d *disk) mount(ctx context.Context) error {
	err := tell(ctx, "mount", "-o", "loop", d.image, d.mountpoint)
	d.mounted = err == nil
	return err
}

// unmount does nothing where it is not mounted; the loop device goes with it. It is done though the run was cancelled.
func (d *disk) unmount() error {
	if !d.mounted {
		return nil
	}
	err := tell(context.Background(), "umount", d.mountpoint)
	d.mounted = err != nil
	return err
}

// The request FS_IOC_SHUTDOWN of ext4, XFS, F2FS and others, and its flag that says: write nothing any more, not even
// the file system's own log.
const (
	fsShutdown = 0x8004587d
	noLogFlush = 2
)

// cut takes the file system down as a power cut does: what the disk does not have is lost, and every write fails.
func (d *disk) cut() error {
	root, err := os.Open(d.mountpoint)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := unix.IoctlSetPointerInt(int(root.Fd()), fsShutdown, noLogFlush); err != nil {
		return fmt.Errorf("shutting down the file system on %s: %w", d.mountpoint, err)
	}
	return nil
}

// tell runs a command of the system.
func tell(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput() //nolint:gosec // of this file
	if err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}
