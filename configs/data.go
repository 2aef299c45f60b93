package configs

import "strings"

// Data is where webhooks are kept until they are delivered, and what the disk must have left.
type Data struct {
	// Dir is the store's directory, made when it is not there. Relative to the working directory.
	Dir string `yaml:"dir"`
	// MinFree is how much of the disk must be free for webhooks to be accepted; below it clients get 507.
	MinFree Size `yaml:"min_free"`
	// MaxWebhook bounds one webhook as it is stored: URL, headers and body together; above it clients get 413.
	MaxWebhook Size `yaml:"max_webhook"`
	// EncryptionKeyFile holds the key by which all that is kept of webhooks is encrypted on disk; empty: it is not. A key of
	// 16, 24 or 32 bytes, in hexadecimal, in base64 or as they are. A directory keeps the key that it was begun with.
	EncryptionKeyFile string `yaml:"encryption_key_file"`
}

const (
	// DefaultDir makes `sluice serve` work where it is started.
	DefaultDir = "./data"
	// DefaultMinFree leaves room for the store to compact what it has, which takes space before it gives any back.
	DefaultMinFree = 2 * GiB
	// DefaultMaxWebhook keeps a stored webhook below the size from which the store would write it to a log of its
	// own, which is reclaimed late if at all.
	DefaultMaxWebhook = 768 * KiB

	minMinFree    = 64 * MiB // a full disk kills the process: files are mapped into memory
	maxMinFree    = 64 * TiB
	minMaxWebhook = 1 * KiB
	maxMaxWebhook = 960 * KiB // the store's own limit for inline records is 1 MiB, with their envelope
)

func defaultData() Data {
	return Data{Dir: DefaultDir, MinFree: DefaultMinFree, MaxWebhook: DefaultMaxWebhook}
}

func (d *Data) check(k *checker) {
	switch {
	case strings.TrimSpace(d.Dir) == "":
		k.fail("data.dir", `""`, "names no directory", "a path such as "+DefaultDir)
	case strings.ContainsRune(d.Dir, 0):
		k.fail("data.dir", d.Dir, "has a NUL byte", "a path such as "+DefaultDir)
	}
	if strings.ContainsRune(d.EncryptionKeyFile, 0) {
		k.fail("data.encryption_key_file", d.EncryptionKeyFile, "has a NUL byte", "the path of a file with a key")
	}
	within(k, "data.min_free", d.MinFree, minMinFree, maxMinFree)
	within(k, "data.max_webhook", d.MaxWebhook, minMaxWebhook, maxMaxWebhook)
}

// Retention is how long finished webhooks are kept, counted from when they finished. What is still to be delivered is
// never removed.
type Retention struct {
	// Metadata is how long a webhook and its attempts can be asked for.
	Metadata Duration `yaml:"metadata"`
	// Body is how long its payload is kept, for replays; at most Metadata; 0s: not at all.
	Body Duration `yaml:"body"`
	// MaxSize bounds both together on disk. Where it and the times disagree, the size wins: the oldest go first.
	MaxSize Size `yaml:"max_size"`
}

const (
	// DefaultRetention is for metadata and bodies. It outlasts a weekend: what broke on Friday can be seen, and sent
	// again, on Monday.
	DefaultRetention = 72 * hour
	// DefaultMaxSize fits the smallest disks that servers come with, beside DefaultMinFree.
	DefaultMaxSize = 10 * GiB

	minMetadata = 1 * minute // who sends and waits must be able to ask for the outcome
	maxMetadata = 3650 * day
	minMaxSize  = 64 * MiB // history goes in files of several MiB
	maxMaxSize  = 64 * TiB
)

func defaultRetention() Retention {
	return Retention{Metadata: DefaultRetention, Body: DefaultRetention, MaxSize: DefaultMaxSize}
}

func (r *Retention) check(k *checker) {
	const metadata, body = "retention.metadata", "retention.body"
	within(k, metadata, r.Metadata, minMetadata, maxMetadata)
	within(k, body, r.Body, 0, maxMetadata)
	within(k, "retention.max_size", r.MaxSize, minMaxSize, maxMaxSize)
	if k.sound(metadata, body) && r.Body > r.Metadata {
		k.fail(body, r.Body, "outlives the metadata by which it is found",
			"at most retention.metadata, which is "+r.Metadata.String())
	}
}

// follow shortens the default of Body with a Metadata that alone was given.
func (r *Retention) follow(k *checker) {
	if !k.inFile("retention.body") {
		r.Body = min(r.Body, r.Metadata)
	}
}
