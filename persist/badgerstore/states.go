package badgerstore

import (
	"context"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// States implements persist.Store.
func (s *Store) States(_ context.Context, part record.Part) (states []persist.State, err error) {
	err = s.read(func(txn *badger.Txn) error {
		states, err = s.readStates(txn, []byte{kindState, byte(part)}, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: reading states of partition %d: %w", part, err)
	}
	return states, nil
}

// StatesOf implements persist.Store.
func (s *Store) StatesOf(_ context.Context, host string) (states []persist.State, err error) {
	err = s.read(func(txn *badger.Txn) error {
		for _, kind := range []persist.StateKind{persist.HostState, persist.LaneState} {
			prefix := append([]byte{kindState, byte(record.PartOf(host)), byte(kind)}, host...)
			if states, err = s.readStates(txn, append(prefix, 0), states); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: reading the states of host %s: %w", host, err)
	}
	return states, nil
}

// readStates appends the states whose keys have a prefix.
func (s *Store) readStates(txn *badger.Txn, prefix []byte, states []persist.State) ([]persist.State, error) {
	it := txn.NewIterator(underPrefix(prefix))
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return nil, err
		}
		st, err := readStateKey(it.Item().Key())
		if err != nil || len(value) == 0 || value[0] != rowVersion {
			s.reportUnreadable(it.Item().KeyCopy(nil), value)
			continue
		}
		st.Data = value[1:]
		states = append(states, st)
	}
	return states, nil
}
