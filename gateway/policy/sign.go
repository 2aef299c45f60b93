package policy

// Signature is one way in which each attempt is signed, as data: gateway/sign knows the schemes.
type Signature struct {
	Scheme string // as gateway/sign names it, such as "standard-webhooks"
	// SecretFile holds the secret of webhooks that belong to no subscription; those of a subscription are signed with
	// its own. Empty: there is none.
	SecretFile string
	// Own: it signs with a key of the gateway's own, and needs no secret.
	Own bool
}

// Unsigned says why a policy's webhooks cannot be signed unless they belong to a subscription, which has a secret of its
// own, and what would be right; problem is empty where they can, or there is no such policy.
func (s Set) Unsigned(name string) (problem, want string) {
	p, ok := s[name]
	if !ok {
		return "", ""
	}
	for i := range p.Sign {
		if signature := &p.Sign[i]; !signature.Own && signature.SecretFile == "" {
			return "signs by " + signature.Scheme + ", and names no secret to sign with",
				"a subscription of it, or a policy that extends it with sign: [{scheme: " + signature.Scheme + ", secret_file: …}]"
		}
	}
	return "", ""
}
