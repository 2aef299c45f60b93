package egress

import (
	"bufio"
	"net"
	"sync"
)

// The buffers of calls are those of all destinations together: fasthttp's HostClient has its own, and where each call goes to
// another host as many would lie about unused.
var (
	readBuffers  = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readSize) }}
	writeBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeSize) }}
)

// readSize and writeSize are those of a call in flight, in bytes. It has the first while it waits for its answer.
const (
	readSize  = 4 << 10
	writeSize = 4 << 10
)

func acquireReader(cn net.Conn) *bufio.Reader {
	br := readBuffers.Get().(*bufio.Reader) //nolint:forcetypeassert // nothing else is put in
	br.Reset(cn)
	return br
}

func releaseReader(br *bufio.Reader) {
	br.Reset(nil) // let go of the connection
	readBuffers.Put(br)
}

func acquireWriter(cn net.Conn) *bufio.Writer {
	bw := writeBuffers.Get().(*bufio.Writer) //nolint:forcetypeassert // nothing else is put in
	bw.Reset(cn)
	return bw
}

func releaseWriter(bw *bufio.Writer) {
	bw.Reset(nil)
	writeBuffers.Put(bw)
}
