package server

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// page is a log one can read while it is written to.
type page struct {
	mu     sync.Mutex
	text   strings.Builder
	writes int
	err    error
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes++
	if p.err != nil {
		return 0, p.err
	}
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func TestLogHasOneLinePerCall(t *testing.T) {
	log := new(page)
	inBubble(t, Config{Limiter: fixed(1, time.Hour), Log: log}, func(t *testing.T, h *harness) {
		began := time.Now().UnixNano()
		h.send("POST", `/a%2Fb?q="1"`, "hello", "webhook-id: msg_1")
		time.Sleep(time.Second)
		h.send("DELETE", "/", "", "webhook-id: a\xffb")
		h.send("GET", "/_stats", "")
		h.stop(nil)
		const (
			ofHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
			ofEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		)
		want := []logLine{
			{began, "msg_1", "POST", `/a%2Fb?q="1"`, 200, 5, ofHello},
			{began + int64(time.Second), "a\ufffdb", "DELETE", "/", 429, 0, ofEmpty},
		}
		if got := readLog(t, log.String()); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("log\n%+v\nwant\n%+v", got, want)
		}
	})
}

func TestLogIsAtMostATenthOfASecondLate(t *testing.T) {
	log := new(page)
	inBubble(t, Config{Log: log}, func(t *testing.T, h *harness) {
		for i := range 3 {
			h.send("POST", "/", "")
			h.send("POST", "/", "")
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if got := len(readLog(t, log.String())); got != 2*(i+1) {
				t.Errorf("100 ms after call %d the log has %d lines", 2*(i+1), got)
			}
		}
		if log.writes != 3 {
			t.Errorf("%d writes for 3 pairs of lines, want 3", log.writes)
		}
	})
}

func TestManyWaitingLinesAreWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which no timer writes while this goes on
		log := new(page)
		book := newLogbook(log)
		target := []byte("/" + strings.Repeat("a", flushAt/4))
		for i := range 8 {
			book.add(time.Unix(0, int64(i)), &call{method: []byte("POST"), target: target}, 200)
			if waiting := len(book.lines); waiting >= flushAt {
				t.Fatalf("%d bytes wait to be written, want less than %d", waiting, flushAt)
			}
		}
		if err := book.flush(); err != nil {
			t.Fatal(err)
		}
		lines := readLog(t, log.String())
		if len(lines) != 8 {
			t.Fatalf("%d lines, want 8", len(lines))
		}
		for i, line := range lines {
			if line.TimeNs != int64(i) {
				t.Errorf("line %d is of call %d", i, line.TimeNs)
			}
		}
	})
}

func TestShutdownReportsALogThatCouldNotBeWritten(t *testing.T) {
	full := errors.New("no space left")
	log := &page{err: full}
	inBubble(t, Config{Log: log}, func(t *testing.T, h *harness) {
		h.wantStatus(200, h.send("POST", "/", ""))
		time.Sleep(time.Second)
		h.wantStatus(200, h.send("POST", "/", "")) // calls go on being answered
		h.stop(full)
		if log.writes != 1 {
			t.Errorf("%d writes, want none after the first failed", log.writes)
		}
	})
}
