package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readObject reads a body that is one JSON object of known fields.
func readObject(body []byte, into any, want string) *problem {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errMoreBehind
		}
	}
	if err != nil {
		return badRequest(objectFault(err), "an object such as "+want)
	}
	return nil
}

var errMoreBehind = errors.New("something follows the object")

// objectFault says what is wrong with an object, in words of whoever wrote it, not of the program that reads it.
func objectFault(err error) string {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return "the body is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the body is not valid JSON: it ends too soon"
	case errors.As(err, &kind) && kind.Field == "":
		return "the body is not an object but of the type " + kind.Value
	case errors.As(err, &kind):
		return fmt.Sprintf("/%s is of the type %s", strings.ReplaceAll(kind.Field, ".", "/"), kind.Value)
	case errors.As(err, &syntax):
		return fmt.Sprintf("the body is not valid JSON at byte %d: %s", syntax.Offset, syntax)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "/" + strings.Trim(name, `"`) + " is an unknown field"
	}
	return fmt.Sprintf("the body: %.200s", err)
}
