package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/alecthomas/kong"
)

// listedAtOnce is how many rows of a list are asked for at a time: as many as the API gives.
const listedAtOnce = 500

// list asks for a list, page after page, and prints it as one: with -o json as the API would have if it had come at once, else
// what text makes of it when add has had every row. field is the list's name in the answers.
func (f *apiFlags) list(
	ctx context.Context, k *kong.Context, path string, query url.Values, field string, add func(json.RawMessage) error,
	text func(io.Writer) error,
) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	all := []json.RawMessage{}
	query.Set("limit", strconv.Itoa(listedAtOnce))
	for {
		page := map[string]json.RawMessage{}
		if _, err := client.ask(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		var rows []json.RawMessage
		var next *string
		if err := json.Unmarshal(page[field], &rows); err != nil {
			return fmt.Errorf("%s gave an answer that is no gateway's: %s: %w", client.base, field, err)
		}
		if raw, ok := page["next"]; ok {
			if err := json.Unmarshal(raw, &next); err != nil {
				return fmt.Errorf("%s gave an answer that is no gateway's: next: %w", client.base, err)
			}
		}
		all = append(all, rows...)
		if next == nil {
			break
		}
		query.Set("cursor", *next)
	}
	if f.Output == "json" {
		b, err := json.Marshal(map[string]any{field: all, "next": nil})
		if err == nil {
			_, err = fmt.Fprintf(k.Stdout, "%s\n", b)
		}
		return err
	}
	for _, raw := range all {
		if err := add(raw); err != nil {
			return fmt.Errorf("%s gave a row of %s that is no gateway's: %w", client.base, field, err)
		}
	}
	return text(k.Stdout)
}
