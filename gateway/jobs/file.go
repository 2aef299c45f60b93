package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// jobRecord is a job as its file has it, in JSON. Instants are Unix ms. It holds no payload and no credential: a filter, a
// digest, a cursor.
type jobRecord struct {
	Version     int             `json:"version"`
	ID          string          `json:"id"`
	Kind        string          `json:"kind"`
	State       string          `json:"state"`
	Tenant      string          `json:"tenant,omitempty"`
	Key         string          `json:"key,omitempty"`
	Fingerprint string          `json:"fingerprint,omitempty"`
	Total       *int64          `json:"total,omitempty"`
	Done        int64           `json:"done"`
	Skipped     int64           `json:"skipped,omitempty"`
	CreatedAt   int64           `json:"created_at"`
	FinishedAt  int64           `json:"finished_at,omitempty"`
	Error       string          `json:"error,omitempty"`
	Spec        json.RawMessage `json:"spec,omitempty"`
	Position    json.RawMessage `json:"position,omitempty"`
}

const (
	jobVersion = 1
	jobSuffix  = ".json"
)

// view is the job as it is shown, but for what its kind knows of it.
func (r *jobRecord) view() front.JobView {
	v := front.JobView{
		ID: r.ID, Kind: r.Kind, State: r.State, Tenant: r.Tenant, Done: r.Done, Skipped: r.Skipped, CreatedAt: front.At(r.CreatedAt),
		FinishedAt: front.At(r.FinishedAt), Error: r.Error,
	}
	if r.Total != nil {
		total := *r.Total
		v.Total = &total
	}
	return v
}

// readJobs reads every job of a directory, as they were begun. What is unreadable is left alone and said.
func readJobs(dir string, log zerolog.Logger) ([]jobRecord, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []jobRecord
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), jobSuffix) {
			continue
		}
		path := filepath.Join(dir, f.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var r jobRecord
		if err := json.Unmarshal(b, &r); err != nil || r.Version != jobVersion || r.ID+jobSuffix != f.Name() {
			log.Error().Err(err).Str("file", path).Int("version", r.Version).Msg("not a job that this release can read: left alone")
			continue
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b jobRecord) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// write makes a job's record durable in place of what was there before.
func (j *Runner) write(r jobRecord) error {
	r.Version = jobVersion
	b, err := json.Marshal(&r)
	if err != nil {
		return fmt.Errorf("job %s: %w", r.ID, err)
	}
	path := filepath.Join(j.dir, r.ID+jobSuffix)
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	dir, err := os.Open(j.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (j *Runner) remove(id string) {
	if err := os.Remove(filepath.Join(j.dir, id+jobSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.log.Error().Err(err).Str("job", id).Msg("forgetting an old job")
	}
}
