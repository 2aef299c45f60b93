//go:build !linux

package badgerstore

import "time"

func threadTime() time.Duration { return 0 }
