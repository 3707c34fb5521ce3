package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// problem is an error in the form in which it is sent: RFC 9457.
type problem struct {
	resource.Problem
	header http.Header
}

// Error implements error.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return problemMediaType }

// MarshalJSON leaves the header out.
func (p *problem) MarshalJSON() ([]byte, error) { return json.Marshal(p.Problem) }

const problemMediaType = "application/problem+json"

// Kinds of problem beside those of the service.
const (
	kindMalformed   = "malformed"   // the request cannot be read
	kindMethod      = "method"      // no such method here
	kindMediaType   = "media_type"  // a body of another kind is wanted
	kindRate        = "rate"        // too many requests
	kindUnderWay    = "under_way"   // the first request with this key is not answered yet
	kindKeyReused   = "key_reused"  // the key was used for another request
	kindTimeout     = "timeout"     // the body came too slowly
	kindInternal    = "internal"    // a fault of the server
	kindUnavailable = "unavailable" // as the service's
)

// statuses are the answers to the kinds of problem.
var statuses = map[string]int{
	string(service.KindUnauthenticated): http.StatusUnauthorized,
	string(service.KindNotFound):        http.StatusNotFound,
	string(service.KindForbidden):       http.StatusForbidden,
	string(service.KindInvalid):         http.StatusUnprocessableEntity,
	string(service.KindConflict):        http.StatusConflict,
	string(service.KindPrecondition):    http.StatusPreconditionFailed,
	string(service.KindTooLarge):        http.StatusRequestEntityTooLarge,
	string(service.KindUnsupported):     http.StatusUnsupportedMediaType,
	string(service.KindLimited):         http.StatusTooManyRequests,
	string(service.KindUnavailable):     http.StatusServiceUnavailable,

	kindMalformed: http.StatusBadRequest,
	kindMethod:    http.StatusMethodNotAllowed,
	kindMediaType: http.StatusUnsupportedMediaType,
	kindRate:      http.StatusTooManyRequests,
	kindUnderWay:  http.StatusConflict,
	kindKeyReused: http.StatusUnprocessableEntity,
	kindTimeout:   http.StatusRequestTimeout,
	kindInternal:  http.StatusInternalServerError,
}

// newProblem makes a problem of a kind.
func newProblem(kind, detail string, fields ...resource.ProblemField) *problem {
	status := statuses[kind]
	p := &problem{header: http.Header{}, Problem: resource.Problem{
		Type: resource.ProblemType + kind, Title: http.StatusText(status), Status: status, Detail: detail, Errors: fields,
	}}
	switch status {
	case http.StatusUnauthorized:
		p.header.Set("WWW-Authenticate", `Bearer realm="bartizan"`)
	case http.StatusServiceUnavailable:
		p.header.Set("Retry-After", "5")
	}
	return p
}

// problemOf says an error in the words for callers. What is no error of the
// service's for callers becomes an internal one whose text stays here.
func problemOf(err error) *problem {
	var ready *problem
	if errors.As(err, &ready) {
		return ready
	}
	var told *service.Error
	if errors.As(err, &told) {
		return newProblem(string(told.Kind), detailOf(told), fieldsOf(told)...)
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case isTimeout(err):
		return newProblem(kindTimeout, "the body came too slowly; send it again over a faster line, or in smaller pieces")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(kindUnavailable, "the request was given up before it was done; try again")
	}
	return newProblem(kindInternal, "the server failed; its log tells why under the id of this request")
}

func isTimeout(err error) bool {
	var slow interface{ Timeout() bool }
	return errors.As(err, &slow) && slow.Timeout() && !errors.Is(err, context.DeadlineExceeded)
}

func tooLarge(limit int64) *problem {
	return newProblem(string(service.KindTooLarge), "the request is larger than the "+strconv.FormatInt(limit, 10)+" bytes that are taken here")
}

// detailOf says a service's error in one text.
func detailOf(e *service.Error) string {
	if len(e.More) == 0 {
		return e.Message
	}
	return fmt.Sprintf("%d fields do not fit: %s", len(e.Parts()), e)
}

// fieldsOf names the fields that a service's error is about.
func fieldsOf(e *service.Error) []resource.ProblemField {
	var out []resource.ProblemField
	for _, x := range e.Parts() {
		switch {
		case strings.HasPrefix(x.Pointer, "/"):
			out = append(out, resource.ProblemField{Pointer: x.Pointer, Detail: x.Message})
		case x.Pointer != "" || len(e.More) > 0:
			out = append(out, resource.ProblemField{Parameter: x.Pointer, Detail: x.Message})
		}
	}
	return out
}

// fromHuma says in our form what huma found wrong with a request. Its own
// form would send the values back, and the text of what went wrong inside.
func fromHuma(m *huma.ErrorModel) *problem {
	fields := make([]resource.ProblemField, 0, len(m.Errors))
	for _, e := range m.Errors {
		if e != nil {
			fields = append(fields, fieldAt(e.Location, e.Message))
		}
	}
	switch m.Status {
	case http.StatusBadRequest:
		return newProblem(kindMalformed, "the body cannot be read: "+firstDetail(fields, m.Detail))
	case http.StatusUnsupportedMediaType:
		return newProblem(kindMediaType, "a body of this media type is not taken here: send Content-Type: application/json, or what /docs names for this request")
	case http.StatusRequestEntityTooLarge:
		return tooLarge(limitIn(m.Detail))
	case http.StatusRequestTimeout:
		return problemOf(timeoutError{})
	case http.StatusUnprocessableEntity:
		return newProblem(string(service.KindInvalid), "the request does not fit: "+firstDetail(fields, m.Detail), fields...)
	case http.StatusInternalServerError:
		return newProblem(kindMalformed, "the body did not come whole")
	}
	return &problem{Problem: resource.Problem{Type: "about:blank", Title: http.StatusText(m.Status), Status: m.Status}}
}

// limitIn reads how many bytes are taken out of huma's words: it is given one more, so
// that a body of just as many is taken.
func limitIn(detail string) int64 {
	var limit int64
	if _, text, ok := strings.Cut(detail, "limit="); ok {
		_, _ = fmt.Sscanf(text, "%d", &limit)
	}
	return limit - 1
}

// timeoutError stands for a body that came too slowly.
type timeoutError struct{}

func (timeoutError) Error() string { return "timeout" }
func (timeoutError) Timeout() bool { return true }

func firstDetail(fields []resource.ProblemField, otherwise string) string {
	if len(fields) == 0 {
		return otherwise
	}
	where := fields[0].Pointer + fields[0].Parameter
	if where == "" {
		return fields[0].Detail
	}
	return where + ": " + fields[0].Detail
}

// fieldAt turns huma's location, such as body.items[3].tags, into a pointer.
func fieldAt(location, message string) resource.ProblemField {
	where, rest, _ := strings.Cut(location, ".")
	if at := strings.IndexByte(where, '['); at >= 0 { // a body that is a list
		where, rest = where[:at], location[at:]
	}
	if where == "query" || where == "path" || where == "header" {
		return resource.ProblemField{Parameter: rest, Detail: message}
	}
	if name, ok := strings.CutPrefix(message, "expected required property "); ok {
		name, _, _ = strings.Cut(name, " ")
		return resource.ProblemField{Pointer: pointer(rest) + "/" + name, Detail: "is required"}
	}
	return resource.ProblemField{Pointer: pointer(rest), Detail: message}
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1", "[", "/", "]", "", ".", "/")

// pointer writes a path of huma's as a JSON pointer (RFC 6901).
func pointer(path string) string {
	if path == "" {
		return ""
	}
	if strings.HasPrefix(path, "[") {
		return pointerEscapes.Replace(path)
	}
	return "/" + pointerEscapes.Replace(path)
}
