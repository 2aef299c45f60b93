package schedule

// EvictAtOnce has every Next look at hosts, to forget what may be forgotten; EvictNever has none look.
func (s *Schedule) EvictAtOnce() { s.lookEvery = 0 }

// EvictNever is the opposite of EvictAtOnce.
func (s *Schedule) EvictNever() { s.lookEvery = 1 << 62 }

// Known returns how many hosts and lanes are in memory.
func (s *Schedule) Known() (hosts, lanes int) { return len(s.hosts), len(s.lanes) }
