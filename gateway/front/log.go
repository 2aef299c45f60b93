package front

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Logbook is what the front door asks for the webhooks that a filter means.
type Logbook interface {
	// Log returns a page of them: live ones first, then finished ones, of each the latest first. cursor is empty, or a page's
	// Next. Errors: persist.ErrCursor.
	Log(ctx context.Context, filter *LogFilter, cursor string, limit int) (*LogPage, error)
}

// LogPage is a part of the log.
type LogPage struct {
	Rows []LogRow
	Next string // of the next page; empty: there is none. A page may be short, or empty, and yet not be the last
}

// LogRow is a webhook of the log: finished, or live.
type LogRow struct {
	ID    record.ID
	Final *record.Final // nil: it is live

	Webhook  *record.Webhook // of a live one, as is what follows
	Entry    *record.Entry
	Attempts []record.Attempt
	Sending  bool
}

// Bounds on a page of the log.
const (
	defaultPage = 50
	maxPage     = 500
)

// loggedWebhook is a webhook as the log shows it: what GET /v1/webhooks/{id} shows, without what takes asking or is long.
type loggedWebhook struct {
	ID           string       `json:"id"`
	State        record.State `json:"state"`
	Method       string       `json:"method"`
	URL          string       `json:"url"`
	Host         string       `json:"host"`
	Tenant       string       `json:"tenant"`
	Flow         string       `json:"flow"`
	Priority     string       `json:"priority"`
	Type         string       `json:"type"`
	Policy       string       `json:"policy"`
	Subscription string       `json:"subscription,omitempty"`
	Event        string       `json:"event,omitempty"`
	Replays      string       `json:"replays,omitempty"`
	CreatedAt    Instant      `json:"created_at"`
	UpdatedAt    Instant      `json:"updated_at"`
	DueAt        Instant      `json:"due_at"`
	ExpiresAt    Instant      `json:"expires_at"`
	Tries        shownTries   `json:"tries"`
	Status       *int         `json:"status"`      // of the last attempt; null: none was made, or no response came
	ErrorClass   *string      `json:"error_class"` // of the last attempt
	Reason       string       `json:"reason,omitempty"`
}

// log answers GET /v1/webhooks.
func (f *Front) log(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	given, p := queryOf(ctx)
	if p != nil {
		answer(ctx, p)
		return
	}
	limit := defaultPage
	if text, ok := given["limit"]; ok {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			answer(ctx, badRequest(fmt.Sprintf("limit is %.100q", text), fmt.Sprintf("a number from 1 to %d", maxPage)))
			return
		}
	}
	cursor := given["cursor"]
	delete(given, "limit")
	delete(given, "cursor")
	filter, p := readFilter(given, by, func(name string) string { return name })
	if p != nil {
		answer(ctx, p)
		return
	}
	page, err := f.set.Logbook.Log(f.work, filter, cursor, limit)
	switch {
	case errors.Is(err, persist.ErrCursor):
		answer(ctx, badRequest(fmt.Sprintf("cursor is %.100q", cursor), "the next of a page with the same filter, or none"))
		return
	case err != nil:
		f.failed(ctx, err, "reading the log failed")
		return
	}
	rows := make([]loggedWebhook, len(page.Rows))
	for i := range page.Rows {
		rows[i] = f.logged(&page.Rows[i])
	}
	var next *string
	if page.Next != "" {
		next = &page.Next
	}
	write(ctx, struct {
		Webhooks []loggedWebhook `json:"webhooks"`
		Next     *string         `json:"next"`
	}{rows, next})
}

func (f *Front) logged(r *LogRow) loggedWebhook {
	l := loggedWebhook{ID: r.ID.String()}
	var replays record.ID
	attempts := r.Attempts
	if w := r.Final; w != nil {
		l.State, l.Method, l.URL, l.Host, l.Tenant, l.Flow = w.State, w.Method, f.set.ShowURL(w.Host, w.URL), w.Host, w.Tenant, w.Flow
		l.Priority, l.Type, l.Policy, l.Reason = w.Priority.String(), w.Type, w.Policy, w.Reason
		l.Subscription, l.Event, replays = w.Subscription, w.Event, w.Replays
		l.CreatedAt, l.UpdatedAt, l.ExpiresAt = At(w.CreatedAt), At(w.FinishedAt), At(w.Expires)
		l.Tries.Used, l.Tries.Throttled = w.Tries, w.Throttled
		attempts = w.Attempts
	} else {
		w, e := r.Webhook, r.Entry
		if l.State = record.Pending; r.Sending {
			l.State = record.Sending
		}
		l.Method, l.URL, l.Host, l.Tenant, l.Flow = w.Method, f.set.ShowURL(w.Host, w.URL), w.Host, w.Tenant, w.Flow
		l.Priority, l.Type, l.Policy = w.Priority.String(), w.Type, w.Policy
		l.Subscription, l.Event, replays = w.Subscription, w.Event, w.Replays
		l.CreatedAt, l.UpdatedAt = At(int64(r.ID.Time())), At(UpdatedAt(r.ID, attempts)) //nolint:gosec // 48 bits
		l.DueAt, l.ExpiresAt = At(e.Due), At(e.Expires)
		l.Tries.Used, l.Tries.Throttled = int(e.Tries), int(e.Throttled)
	}
	if n := len(attempts); n > 0 {
		last := &attempts[n-1]
		if last.Status != 0 {
			l.Status = &last.Status
		}
		if last.ErrorClass != "" {
			l.ErrorClass = &last.ErrorClass
		}
	}
	if replays != (record.ID{}) {
		l.Replays = replays.String()
	}
	l.Tries.Max = f.maxTries(l.Policy)
	return l
}

// UpdatedAt is when something last changed about a live webhook: the end of its last attempt, or its acceptance. Unix ms.
func UpdatedAt(id record.ID, attempts []record.Attempt) int64 {
	if n := len(attempts); n > 0 {
		return attempts[n-1].At + attempts[n-1].DurationMs
	}
	return int64(id.Time()) //nolint:gosec // 48 bits
}
