package signer

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/persist"
)

// Keys are the gateway's own keys: the newest signs, and the one before it is published still, for those who
// have not asked for the keys since the newest was made. They are kept in the store, encrypted where all is, under the
// instant at which they were made. The first is made when it is first needed.
type Keys struct {
	store KeyStore
	log   zerolog.Logger

	mu sync.Mutex // held while keys are read and kept, for which attempts do not wait
	// now are the keys in use; nil: none was read or made yet. Changed under mu, read without it.
	now atomic.Pointer[keysInUse]
}

// NewKeys returns those that a store keeps, which are read when they are first needed.
func NewKeys(store KeyStore, log zerolog.Logger) *Keys { return &Keys{store: store, log: log} }

// keysInUse are the gateway's keys, and the signer of the newest. They are never changed, only replaced.
type keysInUse struct {
	keys []*keptKey // the newest first; 1 to publishedKeys
	jws  *sign.Signer
}

// KeyStore is what keys are kept in: persist.Store.
type KeyStore interface {
	Documents(ctx context.Context, kind persist.DocumentKind, after string, limit int) ([]persist.Document, error)
	SaveDocuments(ctx context.Context, docs []persist.Document) error
}

type keptKey struct {
	name string // of its document: when it was made, to be ordered by
	*sign.Key
}

const (
	publishedKeys = 2
	keyNameLayout = "20060102T150405.000000000Z"
)

// signer returns the signer of the newest key.
func (k *Keys) signer() (*sign.Signer, error) {
	now, err := k.inUse()
	if err != nil {
		return nil, err
	}
	return now.jws, nil
}

// Set returns the public parts as a JWK Set.
func (k *Keys) Set() ([]byte, error) {
	now, err := k.inUse()
	if err != nil {
		return nil, err
	}
	public := make([]*sign.Key, len(now.keys))
	for i, key := range now.keys {
		public[i] = key.Key
	}
	return sign.KeySet(public), nil
}

// inUse returns the keys in use, which are read or made when they are first asked for.
func (k *Keys) inUse() (*keysInUse, error) {
	if now := k.now.Load(); now != nil {
		return now, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.need()
}

// Rotate makes a key that signs from now on, and returns its id. The one before it stays published; those before that go.
func (k *Keys) Rotate() (id string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := k.need()
	if err != nil {
		return "", err
	}
	if now, err = k.add(now.keys); err != nil {
		return "", err
	}
	return now.keys[0].ID(), nil
}

// need returns the keys in use: those that are kept, or the first one, which it makes. Called with k.mu held.
func (k *Keys) need() (*keysInUse, error) {
	if now := k.now.Load(); now != nil {
		return now, nil
	}
	keys, err := k.load()
	if err != nil {
		return nil, fmt.Errorf("the gateway's signing keys: %w", err)
	}
	if len(keys) == 0 {
		return k.add(nil)
	}
	return k.use(keys), nil
}

func (k *Keys) use(keys []*keptKey) *keysInUse {
	now := &keysInUse{keys, sign.NewJWS(keys[0].Key)}
	k.now.Store(now)
	return now
}

func (k *Keys) load() (keys []*keptKey, err error) {
	const page = 100
	for after := ""; ; {
		docs, err := k.store.Documents(context.Background(), persist.SigningKeyDocument, after, page)
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			key, err := sign.ParseKey(d.Data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.Key, err)
			}
			keys, after = append(keys, &keptKey{d.Key, key}), d.Key
		}
		if len(docs) < page {
			break
		}
	}
	slices.SortFunc(keys, func(a, b *keptKey) int { return cmp.Compare(b.name, a.name) })
	return keys, nil
}

// add makes the next key and keeps it, before anything is signed with it. Called with k.mu held.
func (k *Keys) add(before []*keptKey) (*keysInUse, error) {
	key, err := sign.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := key.PEM()
	if err != nil {
		return nil, err
	}
	name := time.Now().UTC().Format(keyNameLayout)
	if len(before) > 0 && name <= before[0].name { // the clock was set back
		name = before[0].name + "+"
	}
	docs := []persist.Document{{Kind: persist.SigningKeyDocument, Key: name, Data: text}}
	keys := append([]*keptKey{{name, key}}, before...)
	for _, old := range keys[min(len(keys), publishedKeys):] {
		docs = append(docs, persist.Document{Kind: persist.SigningKeyDocument, Key: old.name})
	}
	if err := k.store.SaveDocuments(context.Background(), docs); err != nil {
		return nil, fmt.Errorf("keeping a signing key: %w", err)
	}
	now := k.use(keys[:min(len(keys), publishedKeys)])
	k.log.Info().Str("kid", key.ID()).Int("published", len(now.keys)).Msg("another key signs from now on")
	return now, nil
}
