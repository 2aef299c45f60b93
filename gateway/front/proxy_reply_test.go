package front_test

import (
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/persist/record"
)

// brokenReply is a response whose fields cannot be looked at.
type brokenReply struct{ closed atomic.Int64 }

func (*brokenReply) Read([]byte) (int, error)       { return 0, io.EOF }
func (*brokenReply) Status() int                    { return 200 }
func (*brokenReply) Failure() (string, bool, error) { return "", false, nil }
func (*brokenReply) VisitAll(func(_, _ []byte))     { panic("a field") }
func (*brokenReply) VisitTrailer(func(_, _ []byte)) {}
func (*brokenReply) Length() int                    { return 0 }
func (r *brokenReply) Close() error                 { r.closed.Add(1); return nil }

func TestAReplyThatCannotBePassedBackIsClosed(t *testing.T) {
	reply := new(brokenReply)
	d := open(t, func(s *front.Settings) {
		s.Forward = func(*record.Webhook, *front.Upload, bool, time.Duration) (front.Reply, *front.Hold, error) {
			return reply, nil, nil
		}
	})
	wantProblem(t, d.ask("GET", "/proxy/http://a.example/", ""), 500, "internal")
	if n := reply.closed.Load(); n != 1 {
		t.Errorf("closed %d times, want once", n)
	}
}
