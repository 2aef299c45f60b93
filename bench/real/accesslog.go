package real

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answer is one response as the destination noted it.
type Answer struct {
	At     time.Time // when the call arrived, which is when limiters decide
	Took   time.Duration
	Status int
	ID     string // the webhook's id; "-": none
}

func (a *Answer) accepted() bool { return a.Status >= 200 && a.Status < 300 }
func (a *Answer) refused() bool  { return a.Status == 429 }

// readAnswers reads a destination's notes, by time of arrival. A file that is not there yet, or whose last line is not
// whole, holds what was written so far.
func readAnswers(path string) ([]Answer, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []Answer
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		a, err := parseAnswer(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(all)+1, err)
		}
		all = append(all, a)
	}
	slices.SortStableFunc(all, func(a, b Answer) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Status, b.Status))
	})
	return all, nil
}

// parseAnswer reads `$msec $request_time $status $http_webhook_id`, as nginx writes them and the others after it: when
// the answer was given in seconds since 1970, what it took in seconds, its status and the webhook's id.
func parseAnswer(line string) (Answer, error) {
	fields := strings.Fields(line)
	if len(fields) != 4 {
		return Answer{}, fmt.Errorf("%q is not four fields: time, seconds taken, status, id", line)
	}
	ended, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return Answer{}, fmt.Errorf("time of the answer: %w", err)
	}
	took, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		return Answer{}, fmt.Errorf("seconds taken: %w", err)
	}
	status, err := strconv.Atoi(fields[2])
	if err != nil {
		return Answer{}, fmt.Errorf("status: %w", err)
	}
	a := Answer{Took: time.Duration(took * float64(time.Second)), Status: status, ID: fields[3]}
	a.At = time.UnixMicro(int64(ended * 1e6)).Add(-a.Took)
	return a, nil
}
