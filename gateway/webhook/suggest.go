package webhook

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// elsewhere are names that other senders and clients use for what a definition has under another name.
var elsewhere = map[string]string{
	"verb": "method", "http_method": "method", "endpoint": "url", "uri": "url", "target": "url",
	"payload": "body", "data": "body", "json": "body", "content": "body", "queue": "flow", "campaign": "flow",
	"campaign_id": "flow", "delay_until": "send_at", "scheduled_at": "send_at", "deadline": "expires_at", "ttl": "expires_at",
	"event_type": "type", "event": "type", "tags": "metadata", "labels": "metadata", "partition_key": "ordering_key",
}

func unknownField(name string, value jsontext.Value) Fault {
	f := Fault{Path: pointer("", name), Value: shownRaw(name, value), Problem: "unknown field"}
	if name == "webhooks" {
		f.Want = `a batch with no field but this one: {"webhooks":[…]}`
		return f
	}
	if meant, ok := suggest(name); ok {
		f.Problem = fmt.Sprintf("unknown field, did you mean %s?", meant)
		f.Want = meant + ", or the definition without it"
		return f
	}
	f.Want = "one of " + strings.Join(fieldNames[:], ", ")
	return f
}

// suggest returns the field that a wrong name most likely meant.
func suggest(name string) (string, bool) {
	name = strings.ReplaceAll(strings.ToLower(Shorten(name)), "-", "_")
	if meant, ok := elsewhere[name]; ok {
		return meant, true
	}
	best, bestDistance := "", 3
	for _, known := range fieldNames {
		if strings.ReplaceAll(known, "_", "") == strings.ReplaceAll(name, "_", "") {
			return known, true
		}
		if d := distance(name, known); d < bestDistance && d < len(known)/2+1 {
			best, bestDistance = known, d
		}
	}
	return best, best != ""
}

// distance is how many bytes must be inserted, removed or replaced to make a into b (Levenshtein, 1965).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, replaced)
		}
	}
	return row[len(b)]
}

// pointer appends a name to a JSON Pointer, escaped as RFC 6901 section 3 says.
func pointer(base, name string) string {
	return base + "/" + escapePointer.Replace(Shorten(name))
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")
