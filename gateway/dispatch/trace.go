package dispatch

import (
	"strings"

	"github.com/sluice-gateway/sluice/persist/record"
)

// traced adds the traceparent of the request that brought the webhook (https://www.w3.org/TR/trace-context/, section
// 3.2), unless the caller wrote one among its headers.
func traced(headers []record.Header, trace string) []record.Header {
	if trace == "" {
		return headers
	}
	const name = "traceparent"
	for i := range headers {
		if strings.EqualFold(headers[i].Name, name) {
			return headers
		}
	}
	return append(headers[:len(headers):len(headers)], record.Header{Name: name, Value: trace})
}
