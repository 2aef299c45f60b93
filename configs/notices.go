package configs

import "net/url"

// Notices are what a person should hear of: logged, counted, and, where there is a URL, posted to it.
type Notices struct {
	// URL is where notices are posted to, as webhooks like any other, under the same guard of addresses; empty: nowhere.
	URL string `yaml:"url"`
	// Errors is how many failed attempts a tenant may have within 24 hours; one more, and it is told, once a day. 0: any
	// number.
	Errors int `yaml:"errors"`
	// BreakerOpen is how long a host's breaker may be open, or half-open, in one piece; 0: for ever.
	BreakerOpen Duration `yaml:"breaker_open"`
	// OldestWaiting is how long a webhook may have waited that is next in its queue; told once an hour for each host. 0:
	// for ever.
	OldestWaiting Duration `yaml:"oldest_waiting"`
}

const (
	// DefaultNoticeErrors is Braze's: more than 100,000 errors of a workspace within 24 hours.
	DefaultNoticeErrors = 100_000
	// DefaultNoticeBreakerOpen is longer than what an endpoint's restart takes.
	DefaultNoticeBreakerOpen = 10 * minute
	// DefaultNoticeOldestWaiting is the max_age of the braze preset: what waits that long is no retry any more.
	DefaultNoticeOldestWaiting = 24 * hour
)

func defaultNotices() Notices {
	return Notices{Errors: DefaultNoticeErrors, BreakerOpen: DefaultNoticeBreakerOpen, OldestWaiting: DefaultNoticeOldestWaiting}
}

func (n *Notices) check(k *checker) {
	within(k, "notices.errors", n.Errors, 0, 1_000_000_000)
	within(k, "notices.breaker_open", n.BreakerOpen, 0, 30*day)
	within(k, "notices.oldest_waiting", n.OldestWaiting, 0, 365*day)
	if n.URL == "" {
		return
	}
	if u, err := url.Parse(n.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		// Where it is wrong it may still be a secret: many hooks have one in their path.
		k.failAt(k.nearest("notices.url"), "notices.url", "", "is no URL that can be called", "as in https://alerts.example.com/hook")
	}
}
