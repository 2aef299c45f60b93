package record

import (
	"strings"
	"testing"
)

func TestAQueueTakesAsManyBytesAsItsSizeSays(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255} {
		q := Queue{Lane: Lane{Host: strings.Repeat("h", n)}, Tenant: "default", Flow: strings.Repeat("f", n)}
		if got := len(q.Append(nil)); got != q.Size() {
			t.Errorf("%d bytes, Size says %d", got, q.Size())
		}
	}
}
