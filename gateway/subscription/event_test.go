package subscription

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

var eventDefaults = &EventDefaults{Tenant: "default", MaxSize: 1 << 20}

func TestEventSaysWhatItsSenderWrote(t *testing.T) {
	e, faults := ParseEvent([]byte(`{"type":"order.paid","id":"evt_7","tenant":"eu","live":false,"product":"a","products":["b"],
		"created":1772366400123,"data":{ "n": 1.50, "s":"é" }}`), eventDefaults)
	if faults != nil {
		t.Fatal(faults)
	}
	if e.Type != "order.paid" || e.ID != "evt_7" || e.Tenant != "eu" || e.Live || strings.Join(e.Products, " ") != "b a" ||
		e.Created.UnixMilli() != 1772366400123 || string(e.Data) != `{ "n": 1.50, "s":"é" }` || e.Body != nil {
		t.Errorf("read as %+v", e)
	}
	e, faults = ParseEvent([]byte(`{"type":"x","data":null,"created":"2026-03-01T12:00:00.5+01:00"}`), eventDefaults)
	if faults != nil || string(e.Data) != "null" || !e.Live || e.Created.UTC().Format(time.RFC3339Nano) != "2026-03-01T11:00:00.5Z" {
		t.Errorf("read as %+v, %v", e, faults)
	}
	e, faults = ParseEvent([]byte(`{"type":"x","body":"a\nb\u00e9"}`), eventDefaults)
	if faults != nil || string(e.Body) != "a\nbé" {
		t.Errorf("read as %+v, %v", e, faults)
	}
	e, faults = ParseEvent([]byte(`{"type":"x","body_base64":"AP8="}`), eventDefaults)
	if faults != nil || !bytes.Equal(e.Body, []byte{0, 0xff}) {
		t.Errorf("read as %+v, %v", e, faults)
	}
}

func TestEventFaultsNameFieldAndRemedy(t *testing.T) {
	for _, c := range []struct{ text, path, problem string }{
		{`{"data":1}`, "/type", "is empty"},
		{`{"type":"a.*","data":1}`, "/type", "holds a *"},
		{`{"type":3,"data":1}`, "/type", "is no string"},
		{`{"type":"a"}`, "/data", "0 of data"},
		{`{"type":"a","data":1,"body":"x"}`, "/data", "2 of data"},
		{`{"type":"a","body":3}`, "/body", "is a number"},
		{`{"type":"a","body_base64":"?"}`, "/body_base64", "not base64"},
		{`{"type":"a","data":1,"created":"yesterday"}`, "/created", "no instant"},
		{`{"type":"a","data":1,"created":-5}`, "/created", "no instant"},
		{`{"type":"a","data":1,"live":"yes"}`, "/live", "no boolean"},
		{`{"type":"a","data":1,"id":"a b"}`, "/id", "is no id"},
		{`{"type":"a","data":1,"products":["",1]}`, "/products/0", "is empty"},
		{`{"type":"a","data":1,"payload":1}`, "/payload", "unknown field"},
		{`{"type":"a","data":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, "/data", "too deeply"},
		{`{"type":"a","type":"b","data":1}`, "/type", "not valid JSON"},
		{`[1]`, "", "is a JSON object"},
		{`{"type":"a","data":1} 3`, "", "follows"},
	} {
		_, faults := ParseEvent([]byte(c.text), eventDefaults)
		if len(faults) == 0 || faults[0].Path != c.path || !strings.Contains(faults[0].Problem, c.problem) || faults[0].Want == "" {
			t.Errorf("%.60s: %+v, want %s: %s", c.text, faults, c.path, c.problem)
		}
	}
	_, faults := ParseEvent([]byte(`{"type":"a","data":"0123456789"}`), &EventDefaults{MaxSize: 5})
	if !faults.TooLarge() {
		t.Errorf("12 bytes of 5: %v", faults)
	}
}

func TestEnvelopesAreTheirSenders(t *testing.T) {
	e := &Event{
		ID: "evt_1", Type: `a."b"`, Tenant: "test_tenant", Live: true, Created: time.UnixMilli(1_483_390_853_520),
		Data: []byte(`{ "total": 1.50 }`),
	}
	for envelope, want := range map[policy.Envelope]string{
		policy.Raw:              `{ "total": 1.50 }`,
		policy.StandardWebhooks: `{"type":"a.\"b\"","timestamp":"2017-01-02T21:00:53.520Z","data":{ "total": 1.50 }}`,
		policy.Advocate: `{"id":"evt_1","type":"a.\"b\"","tenantAlias":"test_tenant","live":true,"created":1483390853520,` +
			`"data":{ "total": 1.50 }}`,
	} {
		got, contentType := e.wrapped(envelope)
		if string(got) != want || contentType != "application/json" {
			t.Errorf("%s: %s (%s), want %s", envelope, got, contentType, want)
		}
		as := &Event{Body: []byte("as it\r\nstands \xff"), Created: e.Created}
		if got, contentType := as.wrapped(envelope); string(got) != "as it\r\nstands \xff" || contentType != "text/plain; charset=utf-8" {
			t.Errorf("%s: a body comes as %q (%s)", envelope, got, contentType)
		}
	}
}

func TestFingerprintIsOfWhatAnEventSays(t *testing.T) {
	base := `{"type":"a","data":{"n":1},"id":"1","products":["p"],"created":5}`
	first, _ := ParseEvent([]byte(base), eventDefaults)
	same, _ := ParseEvent([]byte(`{"created":5,"product":"p","id":"2","data":{"n":1},"type":"a","live":true}`), eventDefaults)
	if first.Fingerprint() != same.Fingerprint() {
		t.Error("the same, written otherwise, has another fingerprint")
	}
	for _, edit := range [][2]string{
		{`"n":1`, `"n":2`}, {`"a"`, `"b"`}, {`["p"]`, `["q"]`}, {`:5`, `:6`}, {`"data"`, `"live":false,"data"`}, {`"data"`, `"body"`},
		{`"data"`, `"subject":"ada","data"`},
	} {
		other, faults := ParseEvent([]byte(strings.Replace(base, edit[0], edit[1], 1)), eventDefaults)
		if faults != nil || other.Fingerprint() == first.Fingerprint() {
			t.Errorf("%v: the same fingerprint, or %v", edit, faults)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"type":"order.paid","data":{"n":1},"id":"x","products":["b"],"created":1}`))
	f.Add([]byte(`{"type":"a","body":"x","live":false}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, faults := ParseEvent(text, eventDefaults)
		if (e == nil) == (faults == nil) {
			t.Fatalf("%q: %v and %v", text, e, faults)
		}
		if e == nil {
			return
		}
		if e.Created.IsZero() {
			e.Created = time.UnixMilli(1)
		}
		if body, _ := e.wrapped(policy.Advocate); e.Data != nil && parseData(body) == nil {
			t.Fatalf("%q: its envelope is no JSON: %q", text, body)
		}
		e.names()
	})
}
