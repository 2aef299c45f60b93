package subscription

import (
	"strings"
	"testing"
)

func event() map[string]any {
	return map[string]any{
		"type": "order.paid", "id": "evt_1", "tenant": "eu", "live": true, "created": int64(1_700_000_000_000),
		"products": []string{"prd_1", "prd_2"},
		"data": map[string]any{
			"total": int64(120), "rate": 0.5, "customer": map[string]any{"country": "FR", "email": "a@example.com"},
			"items": []any{map[string]any{"sku": "A", "n": int64(2)}, map[string]any{"sku": "B", "n": int64(1)}},
		},
	}
}

func TestFilterSelects(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{`data.total > 100`, true},
		{`data.total > 120`, false},
		{`data.customer.country in ["FR", "BE"] and live`, true},
		{`data.customer.email endsWith "@example.com"`, true},
		{`data.customer.email matches "^b"`, false},
		{`type startsWith "order." && tenant == "eu"`, true},
		{`any(data.items, .sku == "B")`, true},
		{`all(data.items, .n > 1)`, false},
		{`any(data.items, .sku == data.items[1].sku and type == "order.paid")`, true},
		{`count(data.items, .n > 0) == 2`, true},
		{`"prd_2" in products`, true},
		{`len(data.items) == 2`, true},
		{`data.nothing == nil`, true},
		{`data.nothing.at.all == nil`, true},
		{`data.nothing.at.all == "x"`, false},
		{`data.nothing > 3`, false},      // cannot be compared: not wanted
		{`data.customer + 1 > 3`, false}, // nor added
		{`any(data.nothing, true)`, false},
		{`data["total"] == 120`, true},
		{`data.items[1].sku == "B"`, true},
		{`data.items[7].sku == "B"`, false},
		{`created > 1600000000000`, true},
		{`lower(data.customer.country) == "fr" ? true : false`, true},
	} {
		f, err := compileFilter(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := f.matches(event()); got != c.want {
			t.Errorf("%s: %v, want %v", c.text, got, c.want)
		}
	}
}

func TestFilterFaultNamesItsPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`data.total >`, "line 1, column 12"},
		{"live and\n data.total >> 3", "line 2, column 14"},
		{`"text"`, "bool"},
		{"live and\n totl > 3", "line 2, column 2: unknown name totl"},
		{`any(data.items, none(data.items, true))`, "another loop"},
		{`map(data.items, .n) == []`, "line 1, column 1"},
		{`data.email matches data.pattern`, "a pattern in quotes"},
		{`len(1..1000000) > 1`, "range"},
		{`now() > 3`, "line 1, column 1"},
		{`let x = 3; live`, "let"},
		{`data.x matches "("`, "line 1"},
		{`all(data.list, data.text contains #)`, "line 1, column 16: data within all"},
		{`all(data.list, # in data.list)`, "data within all"},
		{`all(data.list, len(lower(data.text)) > 0)`, "data within all"},
		{`data.s` + strings.Repeat(` + data.s`, 11) + ` == ""`, "want at most 10 +"},
		{strings.Repeat(`any(data, live) or `, 5) + `live`, "want at most 4 loops"},
		{strings.Repeat(`type matches "a" or `, 5) + `live`, "want at most 4 matches"},
		{`data.s matches "` + strings.Repeat(`.{1000}`, 3) + `"`, "too costly"},
		{strings.Repeat("live && ", 200) + "live", "exceeds maximum"},
		{strings.Repeat(" ", MaxFilter+1), "too many"},
	} {
		f, err := compileFilter(c.text)
		if err == nil {
			t.Errorf("%s: compiled as %v", c.text, f)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: %q, want it to say %q", c.text, err, c.want)
		}
	}
}

func FuzzCompileFilter(f *testing.F) {
	for _, s := range []string{
		`data.total > 100`, `any(data.items, .sku == "B")`, `data.a?.b ?? 3 == 3`, `not (live)`, `{"a":1}.a == 1`, `data[1:2] == []`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := compileFilter(text)
		if err == nil {
			c.matches(event())
			c.matches(map[string]any{})
		} else if strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("%q: an error of several lines", err)
		}
	})
}
