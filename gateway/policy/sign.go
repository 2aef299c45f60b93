package policy

// Signature is one way in which each attempt is signed, as data: gateway/sign knows the schemes.
type Signature struct {
	Scheme string // as gateway/sign names it, such as "standard-webhooks"
	// SecretFile holds the secret of webhooks that belong to no subscription; those of a subscription are signed with
	// its own. Empty: there is none.
	SecretFile string
}
