package front

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"
)

// listing is which part of a list in the order of names is asked for.
type listing struct {
	after string // what the page before ended with; empty: from the first
	limit int
}

// readListing reads limit and cursor.
func readListing(ctx *fasthttp.RequestCtx) (l listing, p *problem) {
	if l.limit, p = pageSize(ctx); p != nil {
		return l, p
	}
	text := string(ctx.QueryArgs().Peek("cursor"))
	after, ok := readNameCursor(text)
	if !ok {
		return l, badRequest(fmt.Sprintf("cursor=%.100q", text), "the next of a page, or none")
	}
	l.after = after
	return l, nil
}

// nameCursor is the cursor behind a name; readNameCursor reads it. Nothing is the empty one.
func nameCursor(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

func readNameCursor(text string) (name string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return string(b), err == nil
}

// flowPlace is a flow's place among all, by tenant and name; readFlowPlace reads it.
func flowPlace(tenant, flow string) string { return tenant + "\x00" + flow }

func readFlowPlace(place string) (tenant, flow string, ok bool) {
	if place == "" {
		return "", "", true
	}
	return strings.Cut(place, "\x00")
}
