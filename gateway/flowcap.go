package gateway

import (
	"hash/maphash"
	"sync"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// flowCap is the front door's account of the flows that have something waiting in each lane, so that it can refuse one too many
// without asking the dispatcher. The dispatcher tells it which flows began to wait and which have nothing left; between the
// acceptance of a flow's first webhook and the dispatcher's word, the door's own claim counts.
//
// So it is exact, but for a flow whose last webhook is settled in the very moment in which its next one is accepted: until the
// dispatcher has heard of that, some milliseconds, the flow is not counted, and another may have its place. Nothing but the cap
// depends on it. It costs a lock among many and about 40 bytes for each flow with something waiting.
type flowCap struct {
	most   func() int // flows of a lane
	seed   maphash.Seed
	shards [64]flowShard
}

type flowShard struct {
	mu    sync.Mutex
	flows map[laneFlow]standing
	lanes map[uint64]int // flows of each
}

// laneFlow is a flow in a lane, by hashes whose seed nobody knows: two that collide count as one.
type laneFlow struct{ lane, flow uint64 }

// standing is why a flow counts.
type standing struct {
	waits  int32 // priorities at which the dispatcher said that something waits
	claims int32 // of the door, while that is 0
}

func newFlowCap(most func() int) *flowCap {
	c := &flowCap{most: most, seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].flows, c.shards[i].lanes = map[laneFlow]standing{}, map[uint64]int{}
	}
	return c
}

func (c *flowCap) find(lane *record.Lane, name schedule.FlowName) (*flowShard, laneFlow) {
	key := laneFlow{maphash.Comparable(c.seed, *lane), maphash.Comparable(c.seed, name)}
	return &c.shards[key.lane%uint64(len(c.shards))], key
}

// Claim counts a flow in a lane for a webhook that is about to be stored. False: the lane has as many as it may, which is most,
// and this is none of them. Unclaim must follow when nothing new was stored.
func (c *flowCap) Claim(lane *record.Lane, tenant, flow string) (most int, ok bool) {
	shard, key := c.find(lane, schedule.FlowName{Tenant: tenant, Flow: flow})
	shard.mu.Lock()
	defer shard.mu.Unlock()
	st, known := shard.flows[key]
	switch {
	case st.waits > 0:
		return 0, true
	case !known:
		if most = c.most(); shard.lanes[key.lane] >= most {
			return most, false
		}
		shard.lanes[key.lane]++
	}
	st.claims++
	shard.flows[key] = st
	return most, true
}

// Unclaim takes a claim back.
func (c *flowCap) Unclaim(lane *record.Lane, tenant, flow string) {
	shard, key := c.find(lane, schedule.FlowName{Tenant: tenant, Flow: flow})
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if st, known := shard.flows[key]; known && st.claims > 0 {
		st.claims--
		shard.keep(key, st)
	}
}

// heard takes the dispatcher's word, which is what counts from then on.
func (c *flowCap) heard(w *schedule.FlowWaits) {
	shard, key := c.find(&w.Lane, w.Flow)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	st, known := shard.flows[key]
	if !w.Waits {
		st.waits--
		shard.keep(key, st)
		return
	}
	if !known {
		shard.lanes[key.lane]++
	}
	st.waits, st.claims = st.waits+1, 0
	shard.flows[key] = st
}

// keep puts back what is known of a flow, which is counted no more when that is nothing.
func (s *flowShard) keep(key laneFlow, st standing) {
	if st.waits > 0 || st.claims > 0 {
		s.flows[key] = st
		return
	}
	delete(s.flows, key)
	if s.lanes[key.lane]--; s.lanes[key.lane] == 0 {
		delete(s.lanes, key.lane)
	}
}
