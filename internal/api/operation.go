package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// operation says what the description tells of one operation.
type operation struct {
	id, method, path string
	tag              string
	summary, text    string
	// scope is what a token needs; the service checks it.
	scope resource.Scope
	// wide is true where a token of one system is not enough.
	wide bool
	// status of success; 0 for 200, or 204 without a body.
	status int
	// body is the most bytes of the request; 0 for Limits.Body.
	body int64
	// problems beside those that Follow from the rest, as statuses.
	problems []int
	// edits is true where If-Match is honoured.
	edits bool
	// unchecked leaves the body's check to the handler.
	unchecked bool
}

// operations makes the routes under /v1.
func (s *server) operations() huma.API {
	config := huma.DefaultConfig("Bartizan", s.cfg.Version)
	config.CreateHooks = nil // no $schema: its address would come from the Host header
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.RejectUnknownQueryParameters = true
	config.Components.Schemas = huma.NewMapRegistry(schemaPrefix, schemaName)
	config.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}
	config.Transformers = []huma.Transformer{ourProblems}
	api := humago.New(s.mux, config)
	s.access(api)
	s.systems(api)
	s.documents(api)
	s.analyses(api)
	s.models(api)
	s.threats(api)
	s.questions(api)
	s.search(api)
	s.catalogs(api)
	s.batches(api)
	s.schedules(api)
	s.webhooks(api)
	s.audit(api)
	return api
}

// ourProblems replaces huma's form of an error by ours, and names the request.
func ourProblems(ctx huma.Context, _ string, v any) (any, error) {
	if m, ok := v.(*huma.ErrorModel); ok {
		v = fromHuma(m)
	}
	if p, ok := v.(*problem); ok {
		p.Instance = instance(exchangeOf(ctx.Context()).id)
	}
	return v, nil
}

// jsonFormat reads JSON strictly where huma does not: text must be UTF-8 and
// free of NUL, which the database has no place for.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if err := json.Unmarshal(data, v); err != nil {
			return sayJSON(err)
		}
		if parsed, ok := v.(*any); ok {
			return noNUL(*parsed)
		}
		return nil
	},
}

// sayJSON is an error of the decoder in words that do not name Go.
func sayJSON(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("it is not JSON from byte %d on", syntax.Offset)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%s does not fit at /%s", kind.Value, strings.ReplaceAll(kind.Field, ".", "/"))
	}
	return errors.New("it is not JSON that fits")
}

var errNUL = errors.New("text must be UTF-8 without the character NUL")

func noNUL(v any) error {
	switch x := v.(type) {
	case string:
		if !isText(x) {
			return errNUL
		}
	case []any:
		for _, item := range x {
			if err := noNUL(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range x {
			if !isText(name) {
				return errNUL
			}
			if err := noNUL(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// register makes a route that calls one use case.
func register[I, O any](s *server, api huma.API, op operation, do func(ctx context.Context, a service.Actor, in *I) (*O, error)) {
	h := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag},
		Summary: op.summary, Description: op.describe(), DefaultStatus: op.status,
		MaxBodyBytes: or(op.body, s.cfg.Limits.Body) + 1, BodyReadTimeout: -1, // slowBody keeps the time
		SkipValidateBody: op.unchecked,
		Security:         []map[string][]string{{"token": {}}},
		Responses:        op.responses(reflect.TypeFor[I]()),
		Extensions:       map[string]any{"x-scope": string(op.scope), "x-whole-organization": op.wide},
	}
	if op.method == http.MethodPost {
		h.Middlewares = huma.Middlewares{s.once}
		h.Parameters = append(h.Parameters, keyParameter)
	}
	mustBeSeen(reflect.TypeFor[I]())
	huma.Register(api, h, func(ctx context.Context, in *I) (*O, error) {
		x := exchangeOf(ctx)
		out, err := do(ctx, x.actor, in)
		var same *notModified
		if errors.As(err, &same) {
			return nil, same
		}
		if err != nil {
			return nil, s.told(x, err)
		}
		return out, nil
	})
}

// mustBeSeen panics where huma would pass over parameters of an input.
func mustBeSeen(input reflect.Type) {
	for i := range input.NumField() {
		f := input.Field(i)
		if f.Anonymous && !f.IsExported() {
			panic(fmt.Sprintf("api: the parameters in %s are not exported", f.Name))
		}
		if f.Anonymous {
			mustBeSeen(f.Type)
		}
	}
}

// describe tells beside the text what a token needs.
func (op operation) describe() string {
	need := fmt.Sprintf("Needs the scope `%s`.", op.scope)
	if op.wide {
		need = fmt.Sprintf("Needs the scope `%s`, of a token for the whole organization.", op.scope)
	}
	return strings.TrimSpace(op.text + "\n\n" + need)
}

// Answers.

// answer is one thing.
type answer[T any] struct{ Body T }

// tagged is one thing with its version, for If-Match.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"Version of the resource, for If-Match"`
	Body T
}

// placed is a new thing, or work that has begun, with its address.
type placed[T any] struct {
	Location string `header:"Location" doc:"Path of the resource"`
	ETag     string `header:"ETag" doc:"Version of the resource, for If-Match"`
	Body     T
}

// nothing is an answer without a body.
type nothing struct{}

func answerOf[T any](v T, err error) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &answer[T]{Body: v}, nil
}

func taggedOf[T any](v T, version func(T) int64, err error) (*tagged[T], error) {
	if err != nil {
		return nil, err
	}
	return &tagged[T]{ETag: etag(version(v)), Body: v}, nil
}

func placedOf[T any](v T, version func(T) int64, path string, err error) (*placed[T], error) {
	if err != nil {
		return nil, err
	}
	out := &placed[T]{Location: path, Body: v}
	if version != nil {
		out.ETag = etag(version(v))
	}
	return out, nil
}

func etag(version int64) string { return fmt.Sprintf("%q", fmt.Sprint(version)) }

// What requests have in common. These are embedded, and huma looks into what
// is embedded only where its name is exported.

// Paging is which page of a list is wanted.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"1000" doc:"next of the page before; absent for the first page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Most items of a page"`
}

func (p Paging) list() resource.List { return resource.List{Cursor: p.Cursor, Limit: p.Limit} }

// Guarded is an edit that may name the version that it was made on.
type Guarded struct {
	IfMatch string `header:"If-Match" maxLength:"200" doc:"ETag of the version that the edit was made on. Where somebody changed it meanwhile the answer is 412 and nothing is done. Absent: the edit is done on whatever is there" example:"\"7\""`
}

// neverVersion matches no version: versions count from 1.
const neverVersion = -1

// version is the number that the header names; 0 where any will do. A tag that
// is none of ours matches nothing.
func (g Guarded) version() int64 {
	if g.IfMatch == "" || g.IfMatch == "*" {
		return 0
	}
	var n int64
	if _, err := fmt.Sscanf(g.IfMatch, `"%d"`, &n); err != nil || etag(n) != g.IfMatch || n < 1 {
		return neverVersion
	}
	return n
}

// identified reads an identifier of an address. One that is malformed leads
// nowhere, as does one of somebody else's.
func identified(p identifier.Prefix, what, s string) (uuid.UUID, error) {
	id, err := identifier.Parse(p, s)
	if err != nil {
		return uuid.Nil, &service.Error{Kind: service.KindNotFound, Message: "there is no such " + what + ": " + err.Error()}
	}
	return id, nil
}

// SystemPath leads to a system.
type SystemPath struct {
	System string `path:"system" maxLength:"40" example:"sys_06f8yq2v6rvcw6q3m4x0b1n2d4" doc:"Id of the system"`
}

func (p SystemPath) id() (uuid.UUID, error) {
	return identified(identifier.System, "system", p.System)
}
