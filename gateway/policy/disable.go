package policy

import "time"

// Disable is when an endpoint that keeps failing gets nothing more until somebody enables it again. The zero value is
// never. Whichever of its rules is met first counts; a classifier's rule may ask for it as well (Rule.Disable).
type Disable struct {
	// Totals are failed attempts by class of status, as in "disabled after 1,000 answers of 4xx".
	Totals []Total
	// KeepTotals has deliveries leave the totals as they are; without it each sets them back to zero.
	KeepTotals bool
	// TotalsFor sets the totals back to zero so long after the first attempt that they counted; 0: never.
	TotalsFor time.Duration
	// Exhausted is how many deliveries in a row may end undelivered, the last of them included; 0: any number.
	Exhausted int
	Ratio     Ratio
	// Pending is what becomes of what waits for the endpoint.
	Pending Pending
}

// Total is one class's bound.
type Total struct {
	Class StatusClass
	Count int // the attempt that makes it so many disables; above 0
}

// StatusClass is the first digit of a status, 1 to 5. 0 is attempts without a response.
type StatusClass uint8

// Ratio is a share of attempts that fail, over a time. The zero value is no rule.
type Ratio struct {
	Above  float64       // disables when more than this share failed; 0 to 1
	Window time.Duration // within so long, in sixtieths of it; above 0
	Volume int           // and at least so many attempts were made in it; above 0
}

// Pending is what becomes of what waits for an endpoint that is disabled.
type Pending string

// The fates of what waits.
const (
	Hold         Pending = "hold"   // it is sent when the endpoint is enabled again
	CancelAtOnce Pending = "cancel" // it ends as cancelled
)
