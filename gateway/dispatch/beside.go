package dispatch

import "sync"

// beside are the goroutines that the loop has begun for what takes the store's time, and that Run waits for in the end: whoever
// closes the store behind it closes it under none of them. The zero value is ready.
type beside struct {
	mu   sync.Mutex
	over bool
	runs sync.WaitGroup
}

// run does something on a goroutine of its own, or, once wait was called, nothing.
func (b *beside) run(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.runs.Go(do)
	}
}

// wait returns when all of them have ended.
func (b *beside) wait() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	b.runs.Wait()
}
