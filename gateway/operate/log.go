package operate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// logbook answers for the log of webhooks: live ones out of the store and the schedule, finished ones out of history.
type logbook struct {
	commands
	store persist.Store
}

// A cursor's first letter says which part of the log it is in: what follows is the id before which live webhooks go on, or
// the store's cursor of history.
const (
	liveCursor    = "l"
	historyCursor = "h"
)

// logPlace is where a page of the log begins.
type logPlace struct {
	before    record.ID // of live webhooks: before this one; zero: with the latest
	inHistory bool      // behind all live ones
	rest      string    // there: the store's cursor
}

func readLogCursor(cursor string) (at logPlace, err error) {
	if cursor == "" {
		return at, nil
	}
	if at.rest, at.inHistory = strings.CutPrefix(cursor, historyCursor); at.inHistory {
		return at, nil
	}
	id, is := strings.CutPrefix(cursor, liveCursor)
	at = logPlace{}
	if at.before, err = record.ParseID(id); !is || err != nil {
		return at, fmt.Errorf("%w: %.100q", persist.ErrCursor, cursor)
	}
	return at, nil
}

// Log is front.Logbook's.
func (l logbook) Log(ctx context.Context, filter *front.LogFilter, cursor string, limit int) (*front.LogPage, error) {
	live := filter.State == "" || filter.State == record.Pending || filter.State == record.Sending
	finished := filter.State == "" || !live
	at, err := readLogCursor(cursor)
	if err != nil {
		return nil, err
	}
	page := &front.LogPage{}
	switch {
	case live && !at.inHistory:
		next, err := l.live(ctx, filter, page, at.before, limit)
		if err != nil {
			return nil, err
		}
		switch {
		case next != record.ID{}:
			page.Next = liveCursor + next.String()
			return page, nil
		case !finished:
			return page, nil
		case len(page.Rows) == limit:
			page.Next = historyCursor
			return page, nil
		}
	case !finished, cursor != "" && !at.inHistory:
		return nil, fmt.Errorf("%w: %.100q", persist.ErrCursor, cursor)
	}
	history, err := l.store.History(ctx, &filter.Filter, at.rest, limit-len(page.Rows))
	if err != nil {
		return nil, err
	}
	for _, f := range history.Finals {
		if filter.Sees == nil || filter.Sees(f.Tenant, f.Host, f.Flow) {
			page.Rows = append(page.Rows, front.LogRow{ID: f.ID, Final: f})
		}
	}
	if history.Next != "" {
		page.Next = historyCursor + history.Next
	}
	return page, nil
}

// live adds live webhooks to a page and returns before which id the next page goes on; zero: nothing is beyond.
func (l logbook) live(
	ctx context.Context, filter *front.LogFilter, page *front.LogPage, before record.ID, limit int,
) (record.ID, error) {
	found, err := l.store.Live(ctx, before, func(q *record.Queue) bool { return wantsQueue(filter, q) }, limit)
	if err != nil {
		return record.ID{}, err
	}
	var rows []front.LogRow
	for i := range found.Rows {
		r := &found.Rows[i]
		w, err := record.DecodeWebhook(r.Payload)
		if err != nil || !wantsLive(filter, w, r) { // what is unreadable is ended as such when it is due
			continue
		}
		rows = append(rows, front.LogRow{ID: r.Entry.ID, Webhook: w, Entry: &r.Entry, Attempts: r.Attempts})
	}
	if err := l.markSending(ctx, rows); err != nil {
		return record.ID{}, err
	}
	for _, r := range rows {
		if filter.State == "" || (filter.State == record.Sending) == r.Sending {
			page.Rows = append(page.Rows, r)
		}
	}
	return found.Next, nil
}

// markSending finds out which of some live webhooks are being sent.
func (l logbook) markSending(ctx context.Context, rows []front.LogRow) error {
	if len(rows) == 0 {
		return nil
	}
	return l.ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		for i := range rows {
			rows[i].Sending = s.Sending(rows[i].ID)
		}
	})
}

func wantsQueue(f *front.LogFilter, q *record.Queue) bool {
	return (f.Host == "" || f.Host == q.Lane.Host) && (f.Flow == "" || f.Flow == q.Flow) && f.MatchesTenant(q.Tenant) &&
		(f.Sees == nil || f.Sees(q.Tenant, q.Lane.Host, q.Flow))
}

// wantsLive reports whether a live webhook of a queue that is wanted is meant, but for whether it is being sent.
func wantsLive(f *front.LogFilter, w *record.Webhook, r *persist.LiveRow) bool {
	return (f.Type == "" || f.Type == w.Type) && (f.Subscription == "" || f.Subscription == w.Subscription) &&
		(f.Event == "" || f.Event == w.Event) && (f.Subject == record.Digest{} || f.Subject == w.Subject) &&
		f.MatchesStatus(persist.LastStatus(r.Attempts)) && f.MatchesTime(front.UpdatedAt(r.Entry.ID, r.Attempts))
}
