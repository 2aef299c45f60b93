package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/rs/zerolog"
)

const (
	// A ninth of Badger's 64 MiB, since there are three of it, and compaction builds tables of about as much at a time, a dozen
	// at once. It is little more than the least: Badger takes no transaction of more than 15 % of it, and the largest payload is
	// one. It may grow in a later release; see flushLargerLogs for how it shrank.
	memTableSize = 7_600_000
	// formerMemTable is what it was before.
	formerMemTable = 16 << 20
	// Values up to here stay in the LSM tree. With the value log, a queue of 100 live messages grew to 1 GB that was
	// never collected.
	valueThreshold = 1 << 20
	// Of every table, also those that memtables become. Badger builds tables in buffers of twice this size, a power of two, and
	// appends one of double that size when a table does not fit; it keeps eight of them, each as large as the largest table that
	// was ever built in it. A memtable of small webhooks fits into 8 MiB, so that none grows: with memtables of 8 MiB a third of
	// them did, to 24 MiB.
	tableSize = 4 << 20
	// Buffers of memtables beside the one written to. Where the disk does not keep up, who writes waits.
	numMemtables = 2
	// A compaction builds its tables side by side, each in a buffer of its own until the disk has it: of a level that is ten times
	// the one above, as Badger has it, up to 13 for either of its two compactors. Of one four times as large they are some six,
	// at about the same work for each row, for all that there are more levels.
	levelMultiplier = 4
	// Of what comes from memtables, and the least that a level holds, for the same reason: a compaction takes all of them at once.
	firstTables, leastLevel = 2, 5 << 20
	// Of those there are never more, and who writes waits: of four that cannot go down for ten seconds Badger makes one, in a buffer
	// of 256 MiB.
	mostFirstTables = 4
	// Of the tables' indexes, which are some 2 % of what they index.
	indexCache = 32 << 20
	// openBlocks is how many bytes of blocks are kept decrypted, where the database is encrypted.
	openBlocks = 32 << 20
	// LargestPayload is the largest payload accepted, in bytes: below valueThreshold with its header and Badger's own.
	LargestPayload = 1_000_000
)

// openEngine opens the live database, encrypted where there is a key.
func openEngine(dir string, opt *Options) (*badger.DB, error) {
	o := badger.DefaultOptions(dir).
		WithSyncWrites(true). // DB.Sync is no barrier without it: a power cut lost covered writes
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		WithMemTableSize(memTableSize).
		WithNumMemtables(numMemtables).
		WithBaseTableSize(tableSize).
		WithLevelSizeMultiplier(levelMultiplier).
		WithNumLevelZeroTables(firstTables).
		WithNumLevelZeroTablesStall(mostFirstTables).
		WithBaseLevelSize(leastLevel).
		WithValueThreshold(valueThreshold).
		WithValueLogFileSize(formerMemTable).
		WithCompression(options.None).
		WithBlockCacheSize(0). // uncompressed blocks are read from the mapped file
		WithIndexCacheSize(indexCache).
		WithNumCompactors(2).
		WithNumGoroutines(1).
		WithMetricsEnabled(false).
		WithLogger(engineLog{opt.Log})
	o.TableSizeMultiplier = 1
	if opt.NoCompaction {
		o = o.WithNumCompactors(0)
	}
	if !opt.Key.IsZero() { // what was decrypted must be kept somewhere
		o = o.WithEncryptionKey(opt.Key.Derive("live")).WithBlockCacheSize(openBlocks)
	}
	if err := removeEmptyLogs(dir); err != nil {
		return nil, err
	}
	if err := flushLargerLogs(dir, o); err != nil {
		return nil, err
	}
	db, err := badger.Open(o)
	if err != nil {
		return nil, fmt.Errorf("opening the live database: %w: where one of its files is damaged, restore the data directory from a backup", err) // Badger returns one with it that must not be closed
	}
	return db, nil
}

// closeTime is how long closing may take: to write the memtables, some 20 MB. On a disk that takes no more, Badger would try for
// ever; its logs have what is in them.
const closeTime = 10 * time.Second

// closeEngine closes the live database, or leaves it as it is when that takes too long.
func closeEngine(db *badger.DB) error {
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	late := time.NewTimer(closeTime)
	defer late.Stop()
	select {
	case err := <-closed:
		return err
	case <-late.C:
		return fmt.Errorf("the live database did not close within %s: it is whole, and opening it takes longer", closeTime)
	}
}

// flushLargerLogs has what is in a memtable's log that an earlier release left at a crash go to a table: it was written under a
// larger size, and does not fit back into a memtable of today's.
func flushLargerLogs(dir string, o badger.Options) error {
	logs, err := logsOf(dir, ".mem")
	if err != nil || !slices.ContainsFunc(logs, func(f os.FileInfo) bool { return f.Size() > logOf(memTableSize) }) {
		return err
	}
	db, err := badger.Open(o.WithMemTableSize(formerMemTable))
	if err != nil {
		return err
	}
	return closeEngine(db)
}

// logOf is the size of the file that Badger makes for the log of a memtable.
func logOf(memTable int64) int64 { return 2 * memTable }

// removeEmptyLogs removes memtables' and value logs of no bytes. A process killed between creating one and giving it its size
// leaves it so, nothing can be in it, and Badger refuses to open beside it.
func removeEmptyLogs(dir string) error {
	logs, err := logsOf(dir, ".mem")
	if err != nil {
		return err
	}
	values, err := logsOf(dir, ".vlog")
	if err != nil {
		return err
	}
	logs = append(logs, values...)
	for _, f := range logs {
		if f.Size() > 0 {
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// logsOf lists the logs of a kind; none where there is no directory yet.
func logsOf(dir, suffix string) (logs []os.FileInfo, err error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if filepath.Ext(f.Name()) != suffix {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		logs = append(logs, info)
	}
	return logs, nil
}

// engineLog passes Badger's talk on: faults as they are, the rest for whoever debugs.
type engineLog struct{ zerolog.Logger }

func (l engineLog) say(e *zerolog.Event, format string, args []any) {
	e.Str("part", "badger").Msgf(strings.TrimSpace(format), args...)
}

// Errorf is badger.Logger's.
func (l engineLog) Errorf(f string, a ...any) { l.say(l.Error(), f, a) }

// Warningf is badger.Logger's.
func (l engineLog) Warningf(f string, a ...any) { l.say(l.Warn(), f, a) }

// Infof is badger.Logger's.
func (l engineLog) Infof(f string, a ...any) { l.say(l.Debug(), f, a) }

// Debugf is badger.Logger's.
func (l engineLog) Debugf(f string, a ...any) { l.say(l.Trace(), f, a) }
