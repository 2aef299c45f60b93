package destination

// concurrency accepts calls while fewer than limit of those accepted are unanswered.
type concurrency struct {
	limit    int
	inFlight int
}

func (c *concurrency) standing(int64) Verdict {
	return Verdict{
		OK:        c.inFlight < c.limit,
		Limit:     c.limit,
		Remaining: max(0, c.limit-c.inFlight),
		Quota:     c.limit,
	}
}

func (c *concurrency) take(int64)   { c.inFlight++ }
func (c *concurrency) refuse(int64) {}

// done without a call in flight is a fault of the caller's; it must not raise the limit.
func (c *concurrency) done() { c.inFlight = max(0, c.inFlight-1) }

func (c *concurrency) clone() model {
	same := *c
	return &same
}

func (c *concurrency) setLimit(_ int64, spec Spec) { c.limit = spec.Limit }
