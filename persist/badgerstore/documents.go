package badgerstore

import (
	"context"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
)

// maxDocumentKey bounds a document's key, in bytes.
const maxDocumentKey = 256

// SaveDocuments implements persist.Store. More than one transaction takes is refused with persist.ErrTooLarge.
func (s *Store) SaveDocuments(ctx context.Context, docs []persist.Document) error {
	if len(docs) == 0 {
		return nil
	}
	if err := s.space.exhausted(); err != nil {
		return fmt.Errorf("badgerstore: saving %d documents: %w", len(docs), err)
	}
	op, err := s.documentsOp(docs)
	var done <-chan struct{}
	if err == nil {
		done, err = s.committer.submit(op, 0)
	}
	if err == nil {
		select {
		case <-done:
			err = op.err
		case <-ctx.Done():
			err = fmt.Errorf("they may be stored all the same: %w", ctx.Err())
		}
	}
	if err != nil {
		return fmt.Errorf("badgerstore: saving %d documents: %w", len(docs), err)
	}
	return nil
}

// documentsOp puts documents.
type documentsOp struct {
	rows []row
	sum  cost
	err  error
}

func (s *Store) documentsOp(docs []persist.Document) (*documentsOp, error) {
	op := &documentsOp{rows: make([]row, len(docs))}
	for i := range docs {
		d := &docs[i]
		if d.Key == "" || len(d.Key) > maxDocumentKey {
			return nil, fmt.Errorf("document %d: a key of %d bytes: want 1 to %d", i, len(d.Key), maxDocumentKey)
		}
		op.rows[i].key = documentKey(d.Kind, d.Key)
		if len(d.Data) > 0 {
			op.rows[i].value = append([]byte{rowVersion}, d.Data...)
		}
		if len(d.Data) > LargestPayload {
			return nil, fmt.Errorf("document %q: %d bytes, at most %d: %w", d.Key, len(d.Data), LargestPayload, persist.ErrTooLarge)
		}
		op.sum = op.sum.plus(rowCost(len(op.rows[i].key), len(op.rows[i].value)))
	}
	if !op.sum.within(s.committer.limit) {
		return nil, fmt.Errorf("%d bytes do not fit one transaction: %w", op.sum.bytes, persist.ErrTooLarge)
	}
	return op, nil
}

func (op *documentsOp) cost() cost { return op.sum }

func (op *documentsOp) write(w *writer) error {
	for _, r := range op.rows {
		if r.value == nil {
			w.del(r.key)
			continue
		}
		w.set(r.key, r.value)
	}
	return w.err
}

func (op *documentsOp) finish(_ *writer, err error) { op.err = err }

// Documents implements persist.Store.
func (s *Store) Documents(
	_ context.Context, kind persist.DocumentKind, after string, limit int,
) (docs []persist.Document, err error) {
	err = s.read(func(txn *badger.Txn) error {
		it := txn.NewIterator(underPrefix(documentKey(kind, "")))
		defer it.Close()
		start := documentKey(kind, after)
		if after != "" {
			start = append(start, 0) // behind it
		}
		for it.Seek(start); it.Valid() && len(docs) < limit; it.Next() {
			value, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			key := it.Item().KeyCopy(nil)
			if len(value) == 0 || value[0] != rowVersion {
				s.reportUnreadable(key, value)
				continue
			}
			docs = append(docs, persist.Document{Kind: kind, Key: string(key[2:]), Data: value[1:]})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: reading documents of kind %d: %w", kind, err)
	}
	return docs, nil
}

func documentKey(kind persist.DocumentKind, key string) []byte {
	return append(append(make([]byte, 0, 2+len(key)), kindDocument, byte(kind)), key...)
}
