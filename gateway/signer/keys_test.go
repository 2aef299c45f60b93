package signer

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
)

// slowKeys is a store whose second write of a key takes until it is let.
type slowKeys struct {
	writes int
	let    chan struct{}
}

func (*slowKeys) Documents(context.Context, persist.DocumentKind, string, int) ([]persist.Document, error) {
	return nil, nil
}

func (s *slowKeys) SaveDocuments(context.Context, []persist.Document) error {
	if s.writes++; s.writes > 1 {
		<-s.let
	}
	return nil
}

func TestAttemptsAreSignedWhileTheNextKeyIsBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowKeys{let: make(chan struct{})}
		k := NewKeys(store, zerolog.Nop())
		first, err := k.signer()
		if err != nil {
			t.Fatal(err)
		}
		rotated := make(chan error, 1)
		go func() {
			_, err := k.Rotate()
			rotated <- err
		}()
		synctest.Wait() // it waits for the store
		for name, ask := range map[string]func(){
			"a signer": func() {
				if now, err := k.signer(); err != nil || now != first {
					t.Errorf("meanwhile another key signs, or none (%v)", err)
				}
			},
			"the key set": func() { _, _ = k.Set() },
		} {
			answered := make(chan struct{})
			go func() { ask(); close(answered) }()
			synctest.Wait()
			select {
			case <-answered:
			default:
				t.Errorf("%s waits for the store", name)
			}
		}
		close(store.let)
		if err := <-rotated; err != nil {
			t.Fatal(err)
		}
		if now, _ := k.signer(); now == first {
			t.Error("the first key signs still")
		}
	})
}
