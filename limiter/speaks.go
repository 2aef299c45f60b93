package limiter

// Speaks reports whether a field of this name is one that Read looks at for limits or waiting: what is worth keeping of
// a response's head.
func Speaks(name []byte) bool {
	return len(name) > len("date") && promising(name)
}
