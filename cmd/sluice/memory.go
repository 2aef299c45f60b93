package main

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The soft limit that the Go runtime keeps the process's memory under, by collecting sooner than when the heap has doubled
// (runtime/debug.SetMemoryLimit). It is not to be hit by what is alive: collecting would be all that is done then.
const (
	leastMemory  = 472 << 20 // bytes; below it memory is not worth the collector's work: all is to be within 512 MiB for 100,000 hosts
	memoryFactor = 1.1       // of what is alive,
	memorySpare  = 32 << 20  // and so many bytes: for what the runtime takes beside, and to allocate between two collections
	memoryEvery  = 5 * time.Second
	// It is no more than mostMemory as long as that leaves leastSpare: compactions of a large backlog take a hundred MiB for some
	// seconds, and the collector is to work for those rather than the process grow past 512 MiB.
	mostMemory = 496 << 20 // bytes
	leastSpare = 30 << 20  // bytes
)

// boundMemory sets the soft limit until ctx ends, unless the environment says what it is.
func boundMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	alive := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	for tick := time.NewTicker(memoryEvery); ; {
		metrics.Read(alive)
		debug.SetMemoryLimit(memoryLimit(alive[0].Value.Uint64() + alive[1].Value.Uint64()))
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// memoryLimit is the soft limit where so many bytes are alive, those of stacks included.
func memoryLimit(alive uint64) int64 {
	roomy := max(leastMemory, memoryFactor*float64(alive)+memorySpare)
	if alive+leastSpare <= mostMemory {
		roomy = min(roomy, mostMemory)
	}
	return int64(math.Min(roomy, math.MaxInt64/2))
}
