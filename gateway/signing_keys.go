package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/persist"
)

// signingKeys are the gateway's own keys: the newest signs, and the one before it is published still, for those who
// have not asked for the keys since the newest was made. They are kept in the store, encrypted where all is, under the
// instant at which they were made. The first is made when it is first needed.
type signingKeys struct {
	store keyStore
	log   zerolog.Logger

	mu   sync.Mutex
	read bool
	keys []*keptKey // the newest first; at most publishedKeys
	jws  *sign.Signer
}

// keyStore is what keys are kept in: persist.Store.
type keyStore interface {
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
func (k *signingKeys) signer() (*sign.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.need(); err != nil {
		return nil, err
	}
	return k.jws, nil
}

// set returns the public parts as a JWK Set.
func (k *signingKeys) set() ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.need(); err != nil {
		return nil, err
	}
	public := make([]*sign.Key, len(k.keys))
	for i, key := range k.keys {
		public[i] = key.Key
	}
	return sign.KeySet(public), nil
}

// rotate makes a key that signs from now on, and returns its id. The one before it stays published; those before that go.
func (k *signingKeys) rotate() (id string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.need(); err != nil {
		return "", err
	}
	if err := k.add(); err != nil {
		return "", err
	}
	return k.keys[0].ID(), nil
}

// rotateRoute answers POST /signing-keys/rotate: 200 with the id of the key that signs from now on.
func (g *Gateway) rotateRoute(w http.ResponseWriter, _ *http.Request) {
	id, err := g.keys.rotate()
	if err != nil {
		g.log.Error().Err(err).Msg("the signing key was not rotated")
		answerProblem(w, &adminProblem{
			Type: "internal", Title: "Something went wrong here", Status: http.StatusInternalServerError, Detail: err.Error(),
		})
		return
	}
	answerJSON(w, "application/json", http.StatusOK, struct {
		ID string `json:"kid"`
	}{id})
}

// need reads the keys that are kept, and makes the first one.
func (k *signingKeys) need() error {
	if !k.read {
		if err := k.load(); err != nil {
			return fmt.Errorf("the gateway's signing keys: %w", err)
		}
		k.read = true
	}
	if len(k.keys) == 0 {
		return k.add()
	}
	return nil
}

func (k *signingKeys) load() error {
	const page = 100
	k.keys = nil
	for after := ""; ; {
		docs, err := k.store.Documents(context.Background(), persist.SigningKeyDocument, after, page)
		if err != nil {
			return err
		}
		for _, d := range docs {
			key, err := sign.ParseKey(d.Data)
			if err != nil {
				return fmt.Errorf("%s: %w", d.Key, err)
			}
			k.keys, after = append(k.keys, &keptKey{d.Key, key}), d.Key
		}
		if len(docs) < page {
			break
		}
	}
	slices.SortFunc(k.keys, func(a, b *keptKey) int { return cmp.Compare(b.name, a.name) })
	if len(k.keys) > 0 {
		k.jws = sign.NewJWS(k.keys[0].Key)
	}
	return nil
}

// add makes the next key and keeps it, before anything is signed with it.
func (k *signingKeys) add() error {
	key, err := sign.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	text, err := key.PEM()
	if err != nil {
		return err
	}
	name := time.Now().UTC().Format(keyNameLayout)
	if len(k.keys) > 0 && name <= k.keys[0].name { // the clock was set back
		name = k.keys[0].name + "+"
	}
	docs := []persist.Document{{Kind: persist.SigningKeyDocument, Key: name, Data: text}}
	keys := append([]*keptKey{{name, key}}, k.keys...)
	for _, old := range keys[min(len(keys), publishedKeys):] {
		docs = append(docs, persist.Document{Kind: persist.SigningKeyDocument, Key: old.name})
	}
	if err := k.store.SaveDocuments(context.Background(), docs); err != nil {
		return fmt.Errorf("keeping a signing key: %w", err)
	}
	k.keys, k.jws = keys[:min(len(keys), publishedKeys)], sign.NewJWS(key)
	k.log.Info().Str("kid", key.ID()).Int("published", len(k.keys)).Msg("another key signs from now on")
	return nil
}
