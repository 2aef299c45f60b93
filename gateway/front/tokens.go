package front

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"
)

// Token is one of those configured. Whoever presents a text of that digest is its principal.
type Token struct {
	Name   string   // what it is called in logs and problems
	Digest [32]byte // SHA-256 of the token's text
	Scopes Scope
	// Tenants are those it is confined to; the first is that of definitions that name none. Empty: it is not confined.
	Tenants []string
	Host    func(host string) bool // whether it may send to a host (record.Lane.Host); nil: to all
	Flow    func(flow string) bool // whether it may send in a flow; nil: in all
	// Rate is how many requests and webhooks it may send within Per: a request counts one, a batch one for each of its
	// webhooks. 0: as many as it likes.
	Rate int64
	Per  time.Duration
}

// Tokens are those in force. The zero value and nil are none: then everyone who reaches the front door may do
// everything, which is for listeners on loopback only.
type Tokens struct {
	tokens []token
}

type token struct {
	Token
	principal principal
}

// NewTokens returns tokens to be put in force. What those of was have spent of their rates stays spent; nil: nothing was.
func NewTokens(tokens []Token, was *Tokens) *Tokens {
	t := &Tokens{tokens: make([]token, len(tokens))}
	for i, one := range tokens {
		p := principal{name: one.Name, scopes: one.Scopes, host: one.Host, flow: one.Flow}
		if len(one.Tenants) > 0 {
			p.tenants = one.Tenants
		}
		if one.Rate > 0 {
			p.meter = was.meterOf(&one)
			if p.meter == nil {
				p.meter = newMeter(one.Rate, one.Per)
			}
		}
		t.tokens[i] = token{one, p}
	}
	return t
}

// meterOf returns the meter of a token that had the same rate; nil: there is none.
func (t *Tokens) meterOf(of *Token) *meter {
	if t == nil {
		return nil
	}
	for i := range t.tokens {
		if had := &t.tokens[i]; had.Digest == of.Digest && had.Rate == of.Rate && had.Per == of.Per {
			return had.principal.meter
		}
	}
	return nil
}

func (t *Tokens) none() bool { return t == nil || len(t.tokens) == 0 }

// bearer returns the principal of a token's text; nil: nobody's. How long it takes does not depend on which token it is,
// nor on how much of it is right.
func (t *Tokens) bearer(text []byte) *principal {
	digest := sha256.Sum256(text)
	found := -1
	for i := range t.tokens {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(digest[:], t.tokens[i].Digest[:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return &t.tokens[found].principal
}

// Admits reports whether a token's text is that of one with the scope which is not confined to tenants: what the admin
// listener asks off loopback.
func (t *Tokens) Admits(text string, scope Scope) bool {
	if t.none() {
		return false
	}
	p := t.bearer([]byte(text))
	return p != nil && p.May(scope) && p.tenants == nil
}
