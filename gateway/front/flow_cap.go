package front

import (
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// FlowCap is the front door's account of the flows that have something waiting in each lane, so that it can refuse one too many
// without asking whoever sends. Who sends tells it which flows began to wait and which have nothing left; between the acceptance
// of a flow's first webhook and that word, the door's own claim counts. Use NewFlowCap.
//
// So it is exact, but for a flow whose last webhook is settled in the very moment in which its next one is accepted: until whoever
// sends has heard of that, some milliseconds, the flow is not counted, and another may have its place. Nothing but the cap
// depends on it. It costs a lock among many and about 40 bytes for each flow with something waiting.
type FlowCap struct {
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
	waits  int32 // priorities at which Heard was told that something waits
	claims int32 // of the door, while that is 0
}

// NewFlowCap returns an account of no flows. Most is how many a lane may have with something waiting.
func NewFlowCap(most func() int) *FlowCap {
	c := &FlowCap{most: most, seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].flows, c.shards[i].lanes = map[laneFlow]standing{}, map[uint64]int{}
	}
	return c
}

func (c *FlowCap) find(lane *record.Lane, tenant, flow string) (*flowShard, laneFlow) {
	key := laneFlow{maphash.Comparable(c.seed, *lane), maphash.Comparable(c.seed, [2]string{tenant, flow})}
	return &c.shards[key.lane%uint64(len(c.shards))], key
}

// claim counts a flow in a lane for a webhook that is about to be stored. False: the lane has as many as it may, which is most,
// and this is none of them. unclaim must follow when nothing new was stored.
func (c *FlowCap) claim(lane *record.Lane, tenant, flow string) (most int, ok bool) {
	shard, key := c.find(lane, tenant, flow)
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

// unclaim takes a claim back.
func (c *FlowCap) unclaim(lane *record.Lane, tenant, flow string) {
	shard, key := c.find(lane, tenant, flow)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if st, known := shard.flows[key]; known && st.claims > 0 {
		st.claims--
		shard.keep(key, st)
	}
}

// Heard takes the word of whoever sends, which is what counts from then on: that a flow has something waiting in a lane, at one
// priority, or has not any more.
func (c *FlowCap) Heard(lane *record.Lane, tenant, flow string, waits bool) {
	shard, key := c.find(lane, tenant, flow)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	st, known := shard.flows[key]
	if !waits {
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

// claim counts a webhook's flow in its lane; a problem where that is one too many.
func (f *Front) claim(w *record.Webhook) *problem {
	if f.set.FlowCap == nil {
		return nil
	}
	lane := w.Queue().Lane
	most, ok := f.set.FlowCap.claim(&lane, w.Tenant, w.Flow)
	if ok {
		return nil
	}
	fault := fault{
		Pointer: "/flow", Value: w.Flow, Problem: fmt.Sprintf("is one too many: %d other flows wait for %s, the most there may be", most, w.Host),
		Want: "one of those, or later, when some have nothing waiting; limits.default.max_flows raises the cap",
	}
	p := newProblem(400, "too-many-flows", "Too many flows wait for one destination",
		fmt.Sprintf("%s: %q %s; want %s", fault.Pointer, fault.Value, fault.Problem, fault.Want))
	p.Errors = append(p.Errors, fault)
	return p
}

// unclaim takes back what was claimed for deposits of which nothing new was stored; receipts is empty where none was stored.
func (f *Front) unclaim(deposits []persist.Deposit, receipts []persist.Receipt) {
	if f.set.FlowCap == nil {
		return
	}
	for i := range deposits {
		if i >= len(receipts) || receipts[i].Verdict != persist.New {
			q := &deposits[i].Queue
			f.set.FlowCap.unclaim(&q.Lane, q.Tenant, q.Flow)
		}
	}
}
