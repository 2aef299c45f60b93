package webhook_test

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func BenchmarkParseOneKilobyte(b *testing.B) {
	for name, text := range map[string]string{
		"string": `{"url":"https://api.example.com/v1/contacts/42","method":"POST","headers":{"Authorization":"Bearer abcdef",` +
			`"Content-Type":"application/json","X-Campaign":"spring"},"flow":"spring","body":"` +
			strings.Repeat(`{\"id\":42,\"name\":\"Ada\"} `, 32) + `"}`,
		"object": `{"url":"https://api.example.com/v1/contacts/42","headers":{"Authorization":"Bearer abcdef"},"flow":"spring","body":{"rows":[` +
			strings.Repeat(`{"id":42,"name":"Ada"},`, 34) + `{}]}}`,
	} {
		b.Run(name, func(b *testing.B) {
			d := defaults(b)
			var reader webhook.Reader
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, faults := reader.Parse([]byte(text), now, d); faults != nil {
					b.Fatal(faults)
				}
			}
		})
	}
}
