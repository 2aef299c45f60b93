package egress

import (
	"bytes"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectionsUnderOldRulesEndWithTheirCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		c := inMemory(t, Settings{}, func(cn net.Conn) {
			open.Add(1)
			defer open.Add(-1)
			for {
				if _, err := cn.Read(make([]byte, 4096)); err != nil {
					return
				}
				time.Sleep(time.Second)
				if _, err := cn.Write([]byte(ok)); err != nil {
					return
				}
			}
		})
		if do(c, Request{Method: "POST", URL: "http://a.example"}); open.Load() != 1 {
			t.Fatalf("%d connections are kept, want 1", open.Load())
		}
		called := make(chan struct{})
		go func() {
			defer close(called)
			if resp := do(c, Request{Method: "POST", URL: "http://a.example"}); resp.Err != nil || !resp.Reused {
				t.Errorf("reused %t, %v", resp.Reused, resp.Err)
			}
		}()
		time.Sleep(time.Second / 2)
		c.Reconfigure(Rules{})()
		if synctest.Wait(); open.Load() != 1 {
			t.Errorf("%d connections, want the one in use", open.Load())
		}
		<-called
		if synctest.Wait(); open.Load() != 0 {
			t.Errorf("%d connections under the old rules, want none", open.Load())
		}
	})
}

func TestAKeptConnectionCostsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Settings{}, func(cn net.Conn) {
			_, _ = cn.Read(make([]byte, 4096))
			_, _ = cn.Write([]byte(ok))
			_, _ = cn.Read(make([]byte, 4096)) // until it is closed
		})
		do(c, Request{Method: "POST", URL: "http://a.example"})
		synctest.Wait()
		o := c.origins["http://a.example"]
		if o == nil || len(o.pool.unused) != 1 {
			t.Fatal("its connection is not kept")
		}
		c.Close()
		if synctest.Wait(); len(c.live) != 0 { // a goroutine left would be seen by synctest
			t.Errorf("%d connections are open after Close", len(c.live))
		}
	})
}

func TestTheConnectionUsedLastIsKeptHoweverManyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Settings{MaxIdle: 3}, func(cn net.Conn) {
			for {
				if _, err := cn.Read(make([]byte, 4096)); err != nil {
					return
				}
				if _, err := cn.Write([]byte(ok)); err != nil {
					return
				}
			}
		})
		for n := range 20 {
			url := fmt.Sprintf("http://h%d.example", n)
			for again := range 3 {
				if resp := do(c, Request{Method: "POST", URL: url}); resp.Err != nil || resp.Reused != (again > 0) {
					t.Fatalf("call %d of %s: reused %t, %v", again+1, url, resp.Reused, resp.Err)
				}
			}
			if kept := c.idle.Load(); kept != int64(min(n+1, 3)) {
				t.Fatalf("%d connections are kept after %d hosts, want 3 at most", kept, n+1)
			}
		}
	})
}

func TestAKeptConnectionMakesRoomForOneThatIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 4
		var open, widest atomic.Int64
		c := inMemory(t, Settings{MaxOpen: most}, func(cn net.Conn) {
			widest.Store(max(widest.Load(), open.Add(1)))
			defer open.Add(-1)
			for {
				if _, err := cn.Read(make([]byte, 4096)); err != nil {
					return
				}
				if _, err := cn.Write([]byte(ok)); err != nil {
					return
				}
			}
		})
		for _, host := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "h"} {
			if resp := do(c, Request{Method: "POST", URL: "http://" + host + ".example"}); resp.Err != nil {
				t.Fatal(host, resp.Err)
			}
			synctest.Wait()
		}
		if open.Load() != most || widest.Load() > most+1 {
			t.Errorf("%d connections are open, %d at once, want %d", open.Load(), widest.Load(), most)
		}
		if n := c.idle.Load(); n != most {
			t.Errorf("%d are counted as kept, want %d", n, most)
		}
		c.Close()
		if synctest.Wait(); open.Load() != 0 {
			t.Errorf("%d connections are open after Close", open.Load())
		}
	})
}

func TestOfVeryManyHostsThoseWithAConnectionAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Settings{}, func(cn net.Conn) {
			for request := make([]byte, 4096); ; {
				n, err := cn.Read(request)
				if err != nil {
					return
				}
				answer := ok
				if bytes.Contains(request[:n], []byte("Host: closes")) {
					answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
				}
				if _, err := cn.Write([]byte(answer)); err != nil {
					return
				}
			}
		})
		call := func(format string, i int) *Response {
			resp := do(c, Request{Method: "POST", URL: fmt.Sprintf(format, i)})
			if resp.Err != nil {
				t.Fatal(resp.Err)
			}
			return resp
		}
		const kept = 100
		for i := range kept {
			call("http://keeps%d.example", i)
		}
		for i := range fewOrigins + fewOrigins/2 {
			call("http://closes%d.example", i)
		}
		for i := range kept {
			if !call("http://keeps%d.example", i).Reused {
				t.Fatalf("the connection of host %d was not kept", i)
			}
		}
		if n := len(c.origins); n > fewOrigins {
			t.Errorf("%d hosts are known, want at most %d: %d have a connection", n, fewOrigins, kept)
		}
	})
}
