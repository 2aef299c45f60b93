package gateway

import "testing"

func TestConnectionsAndCallsLeaveTheStoreItsFiles(t *testing.T) {
	many := places{connections: 10_000, calls: 10_000, kept: 10_000}
	for files, want := range map[int]places{
		1 << 20:     many,
		20_000:      {connections: 5000, calls: 10_000, kept: 2500},
		1024:        {connections: 256, calls: 512, kept: 128},
		fewestFiles: {connections: 43, calls: 85, kept: 32},
	} {
		got := many.within(files)
		if got != want {
			t.Errorf("of %d files: %+v, want %+v", files, got, want)
		}
		if left := files - got.connections - got.calls - got.kept; left < max(storeFiles, files/8) {
			t.Errorf("of %d files %d are left for the store", files, left)
		}
	}
}
