package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

// accessLog notes each answer as nginx would with the format `$msec $request_time $status $http_webhook_id`: when it
// was given in seconds since 1970, what it took in seconds, its status and the webhook's id ("-": none).
type accessLog struct{ file *os.File } // nil: nothing is noted

func openLog(path string) (*accessLog, error) {
	if path == "" {
		return &accessLog{}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return &accessLog{file: f}, err
}

func (l *accessLog) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

// note is safe for concurrent use: a line is one write, and the file is open for appending.
func (l *accessLog) note(began time.Time, status int, id string) {
	if l.file == nil {
		return
	}
	if id == "" {
		id = "-"
	}
	now := time.Now()
	fmt.Fprintf(l.file, "%.6f %.6f %d %s\n", float64(now.UnixMicro())/1e6, now.Sub(began).Seconds(), status, id)
}

// around notes every answer of h.
func (l *accessLog) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		l.note(began, seen.status, r.Header.Get("Webhook-Id"))
	})
}

// statusWriter keeps the status that is written.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
