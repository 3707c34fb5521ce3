package api

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// introduction is the text at the head of the description.
//
//go:embed introduction.md
var introduction string

// examplesFile holds an example of each request's and of the main answers'
// bodies, by operation.
//
//go:embed examples.json
var examplesFile []byte

// wordsFile holds the comments and constants of package resource: the test
// TestWordsAreCurrent makes it of the source, for a binary has no comments.
//
//go:embed words.json
var wordsFile []byte

// fieldsFile describes fields whose name says nearly all: those that mean the
// same wherever they stand, and by type the others.
//
//go:embed fields.json
var fieldsFile []byte

const schemaPrefix = "#/components/schemas/"

// schemaName names a type. The model has a Threat, an Analysis and a Document
// as the API has; its own begin with Model.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == modelPackage {
		return modelName(name)
	}
	return name
}

var modelPackage = reflect.TypeFor[threatmodel.Model]().PkgPath()

func modelName(name string) string {
	if name == "Model" {
		return "ThreatModel"
	}
	return "Model" + name
}

// structuredBytes writes a digest in hexadecimal as RFC 8941 has bytes.
func structuredBytes(digest string) string {
	raw, err := hex.DecodeString(digest)
	if err != nil {
		return "::"
	}
	return ":" + base64.StdEncoding.EncodeToString(raw) + ":"
}

// problemTexts say when each problem comes.
var problemTexts = map[int]string{
	http.StatusBadRequest:            "The request cannot be read: malformed JSON, an address or header that is none.",
	http.StatusUnauthorized:          "No token, or one that is unknown, has expired, or was revoked.",
	http.StatusForbidden:             "The token's scopes or its member's role do not allow it.",
	http.StatusNotFound:              "There is no such thing, or not in this token's reach: the two are not told apart.",
	http.StatusConflict:              "The state of things does not allow it, or the first request with this Idempotency-Key is still being done.",
	http.StatusPreconditionFailed:    "Somebody else changed it since the version that If-Match names. Read it again.",
	http.StatusRequestEntityTooLarge: "The body, a file or the number of files is over the limit.",
	http.StatusUnsupportedMediaType:  "The body has a media type that is not taken here, or a document is of a kind that is not read.",
	http.StatusUnprocessableEntity:   "Fields do not fit; `errors` points to each. Or the Idempotency-Key was used for another request.",
	http.StatusTooManyRequests:       "The token asks too often (`Retry-After` says when to come back), or a limit of the organization is reached.",
	http.StatusInternalServerError:   "The server failed. `instance` names the request; the server's log has the reason under it.",
	http.StatusServiceUnavailable:    "Not now; `Retry-After` says when to try again.",
}

func problemName(status int) string {
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

// problemsOf are the problems that an operation may answer with.
func (op operation) problemsOf(input reflect.Type) []int {
	out := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if strings.Contains(op.path, "{") {
		out = append(out, http.StatusNotFound)
	}
	if op.method == http.MethodPost {
		out = append(out, http.StatusBadRequest, http.StatusConflict)
	}
	if op.edits {
		out = append(out, http.StatusPreconditionFailed)
	}
	_, body := input.FieldByName("Body")
	_, raw := input.FieldByName("RawBody")
	if body || raw {
		out = append(out, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return append(out, op.problems...)
}

func (op operation) responses(input reflect.Type) map[string]*huma.Response {
	out := map[string]*huma.Response{}
	for _, status := range op.problemsOf(input) {
		out[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + problemName(status)}
	}
	return out
}

// describe makes the description of the API of what huma knows of the routes,
// of the schema of the model, and of the words of the source.
func (s *server) describe(api huma.API) []byte {
	o := api.OpenAPI()
	o.Info = &huma.Info{Title: "Bartizan", Version: s.cfg.Version, Description: introduction, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}}
	o.Servers = []*huma.Server{{URL: "/", Description: "This server"}}
	o.Tags = tags
	o.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":  {Type: "http", Scheme: "bearer", BearerFormat: "btz_...", Description: "A token that `POST /v1/tokens`, `bartizan admin` or `bartizan serve --dev` gave."},
		"ticket": {Type: "apiKey", In: "query", Name: "ticket", Description: "A ticket from `POST /v1/tickets`: opens one stream, once, within a minute."},
	}
	registry := o.Components.Schemas
	registry.Schema(reflect.TypeFor[resource.Import](), true, "")
	registry.Schema(reflect.TypeFor[resource.Problem](), true, "")
	registry.Schema(reflect.TypeFor[resource.Event](), true, "")
	o.Components.Responses = map[string]*huma.Response{}
	for status, text := range problemTexts {
		o.Components.Responses[problemName(status)] = &huma.Response{
			Description: text,
			Content:     map[string]*huma.MediaType{problemMediaType: {Schema: &huma.Schema{Ref: schemaPrefix + "Problem"}}},
		}
	}
	raw, err := json.Marshal(o)
	must(err)
	var doc map[string]any
	must(json.Unmarshal(raw, &doc))
	d := description{doc: doc, registry: registry}
	d.complete()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	must(enc.Encode(doc))
	return out.Bytes()
}

// must is for what only a fault of the program can break: the description is
// made of what is in the binary, at the start.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("api: making the description: %v", err))
	}
}

// tags are the groups of operations.
var tags = []*huma.Tag{
	{Name: tagSystems, Description: "A system is what is threat-modelled: it has documents, one current threat model, an owner, a criticality."},
	{Name: tagDocuments, Description: "The design documents that a team already has. A document is known by the sender's reference; each change of its bytes is a revision, and each revision is read into sources."},
	{Name: tagAnalyses, Description: "Work over a system's documents that ends in a new version of its model. Only what changed is asked again."},
	{Name: tagModels, Description: "The threat model as one document, in all its versions, as the command line reads and writes it."},
	{Name: tagThreats, Description: "What can go wrong, with the sentence that gives rise to it and the control that answers it; and what people decide about it."},
	{Name: tagSearch, Description: "Over the passages of documents, and over threats."},
	{Name: tagCatalogs, Description: "Controls that answer threats: the known catalogs, and the organization's own."},
	{Name: tagBatches, Description: "Re-analysis of many systems, at once or by the clock, with what it costs told beforehand."},
	{Name: tagWebhooks, Description: "Calls back when something happened, signed as Standard Webhooks has it."},
	{Name: tagAccess, Description: "The organization, its people, their tokens, and who the caller is."},
	{Name: tagAudit, Description: "Who did what, in a chain that shows when it was changed; and what was used."},
}
