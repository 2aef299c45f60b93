package gateway

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/persist"
)

// Only another process helps a store that failed: whoever supervises this one starts it.
func TestAGatewayWhoseStoreFailsForGoodEnds(t *testing.T) {
	conf := configs.Default()
	conf.Data.Dir = t.TempDir()
	conf.Data.MinFree = 64 << 20
	var listeners [2]net.Listener
	for i := range listeners {
		var err error
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	g, err := New(Settings{Config: conf, Log: zerolog.Nop(), Listener: listeners[0], Admin: listeners[1]})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(context.Background()) }()
	g.faults <- persist.ErrFailed
	select {
	case err := <-ended:
		if !errors.Is(err, persist.ErrFailed) {
			t.Errorf("it ended with %v, want ErrFailed", err)
		}
	case <-time.After(time.Minute):
		t.Error("it goes on")
	}
}
