package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination/server"
	"github.com/sluice-gateway/sluice/gateway"
)

func writeKey(t *testing.T, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.key")
	if err := os.WriteFile(path, []byte(strings.Repeat("5e", 32)+"\n"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnEncryptedGatewayDeliversOverARestartAndLeavesNothingToRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Data.EncryptionKeyFile = writeKey(t, 0o600)
		w.destination("api.example.com:80", server.Config{})
		w.start()
		ids := w.post("http://api.example.com/secret-path", 20)
		time.Sleep(time.Minute)
		w.servers["api.example.com:80"].set(true)
		ids = append(ids, w.post("http://api.example.com/secret-path", 20)...)
		time.Sleep(time.Second)
		w.shutdown()
		w.servers["api.example.com:80"].set(false)
		w.start()
		time.Sleep(time.Hour)
		for _, id := range ids {
			if s := w.show(id); s.State != "delivered" {
				t.Errorf("%s is %s", id, s.State)
			}
		}
		w.close()
		err := filepath.WalkDir(w.conf.Data.Dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			for _, plain := range []string{"secret-path", "api.example.com"} {
				if strings.Contains(string(b), plain) {
					t.Errorf("%s has %q", path, plain)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAKeyFileThatOthersReadIsRefusedByItsKeyInTheConfiguration(t *testing.T) {
	w := newWorld(t)
	w.conf.Data.EncryptionKeyFile = writeKey(t, 0o644)
	w.conf.Listen, w.conf.Admin = "127.0.0.1:0", "127.0.0.1:0"
	g, err := gateway.New(gateway.Settings{Config: w.conf})
	if err == nil || !strings.Contains(err.Error(), "data.encryption_key_file: ") || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v, %v", g, err)
	}
}
