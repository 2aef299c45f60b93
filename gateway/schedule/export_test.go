package schedule

// EvictAtOnce has every Next look at hosts, to forget what may be forgotten; EvictNever has none look.
func (s *Schedule) EvictAtOnce() { s.lookEvery = 0 }

// EvictNever is the opposite of EvictAtOnce.
func (s *Schedule) EvictNever() { s.lookEvery = 1 << 62 }

// Known returns how many hosts and lanes are in memory.
func (s *Schedule) Known() (hosts, lanes int) {
	for _, h := range s.hosts {
		lanes += len(h.lanes.all)
	}
	return len(s.hosts), lanes
}

// MaxWarm is how many hosts that are well have a breaker.
const MaxWarm = maxWarm

// Warm returns how many hosts have one.
func (s *Schedule) Warm() (n int) {
	for _, h := range s.hosts {
		if h.breaker != nil {
			n++
		}
	}
	return n
}
