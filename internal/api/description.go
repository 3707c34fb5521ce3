package api

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// words are what the source of package resource says beside its types.
type words struct {
	Types  map[string]string   `json:"types"`
	Fields map[string]string   `json:"fields"`
	Values map[string][]string `json:"values"`
}

// example is of the bodies of one operation.
type example struct {
	Request  any `json:"request,omitempty"`
	Response any `json:"response,omitempty"`
}

type object = map[string]any

// description is the description of the API on its way from what huma makes
// of Go types to what it says.
type description struct {
	doc      object
	registry huma.Registry
	words    words
	model    object // the definitions of the model's schema, by our names
	fields   struct {
		Common map[string]string `json:"common"`
		Own    map[string]string `json:"own"`
	}
}

func (d *description) complete() {
	must(json.Unmarshal(wordsFile, &d.words))
	must(json.Unmarshal(fieldsFile, &d.fields))
	d.readModel()
	schemas := d.schemas()
	delete(schemas, "ErrorModel") // huma's form of a problem, which is never sent
	delete(schemas, "ErrorDetail")
	for name, s := range schemas {
		if t := d.registry.TypeFromRef(schemaPrefix + name); t != nil && d.model[name] == nil {
			d.fill(s.(object), t)
			d.describeFields(name, s.(object))
		}
	}
	for name, s := range d.model {
		schemas[name] = s
	}
	d.bodies()
	d.loosenAnswers()
	d.examples()
}

// loosenAnswers lets later versions add fields to what is only answered: a
// client that checks answers by the description must not break then.
func (d *description) loosenAnswers() {
	taken := map[string]bool{}
	for _, methods := range d.doc["paths"].(object) {
		for _, op := range methods.(object) {
			d.reach(op.(object)["requestBody"], taken)
		}
	}
	for name, s := range d.schemas() {
		if s := s.(object); !taken[name] && s["additionalProperties"] == false {
			delete(s, "additionalProperties")
		}
	}
}

// reach notes the schemas that a part of the description refers to.
func (d *description) reach(v any, found map[string]bool) {
	switch x := v.(type) {
	case object:
		for k, item := range x {
			ref, ok := item.(string)
			name := strings.TrimPrefix(ref, schemaPrefix)
			if ok && k == "$ref" && !found[name] {
				found[name] = true
				d.reach(d.schemas()[name], found)
			}
			d.reach(item, found)
		}
	case []any:
		for _, item := range x {
			d.reach(item, found)
		}
	}
}

func (d *description) schemas() object {
	return d.doc["components"].(object)["schemas"].(object)
}

// readModel takes the definitions of the model from its own schema, which
// knows what may be null, what values there are, and what things mean.
func (d *description) readModel() {
	var schema struct {
		Defs object `json:"$defs"`
	}
	must(json.Unmarshal(threatmodel.Schema(), &schema))
	d.model = object{}
	for name, def := range schema.Defs {
		d.model[modelName(name)] = renamed(def)
	}
}

// renamed has the references of the model's schema as ours.
func renamed(v any) any {
	switch x := v.(type) {
	case object:
		out := object{}
		for k, item := range x {
			if ref, ok := item.(string); ok && k == "$ref" {
				item = schemaPrefix + modelName(strings.TrimPrefix(ref, "#/$defs/"))
			}
			out[k] = renamed(item)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = renamed(item)
		}
		return out
	}
	return v
}

// fill adds to the schema of a struct what huma does not know.
func (d *description) fill(s object, t reflect.Type) {
	properties, ok := s["properties"].(object)
	if !ok {
		return
	}
	key := t.Name()
	if t.PkgPath() == modelPackage {
		key = modelName(key)
	}
	if text := d.words.Types[key]; text != "" && s["description"] == nil {
		s["description"] = text
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			d.embed(properties, f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p, ok := properties[name].(object)
		if !ok {
			continue
		}
		d.value(p, f.Type)
		if f.Type.Kind() == reflect.Pointer && p["$ref"] != nil && !strings.Contains(options, "omitempty") {
			p = object{"anyOf": []any{object{"$ref": p["$ref"]}, object{"type": "null"}}}
			properties[name] = p
		}
		if text := d.words.Fields[key+"."+f.Name]; text != "" && p["description"] == nil {
			p["description"] = text
		}
	}
}

// describeFields describes the fields that the source does not.
func (d *description) describeFields(name string, s object) {
	properties, _ := s["properties"].(object)
	for field, p := range properties {
		p := p.(object)
		if p["description"] != nil || p["$ref"] != nil {
			continue
		}
		if text := or(d.fields.Own[name+"."+field], d.fields.Common[field]); text != "" {
			p["description"] = text
		}
	}
}

// embed describes the fields of an embedded struct: of the model by the model's
// schema, of ours as that itself.
func (d *description) embed(properties object, t reflect.Type) {
	if t.PkgPath() != modelPackage {
		s := object{"properties": properties}
		d.fill(s, t)
		return
	}
	def := d.model[modelName(t.Name())].(object)
	for name, p := range def["properties"].(object) {
		if _, ok := properties[name]; ok {
			properties[name] = p
		}
	}
}

// value says which values a named text may have.
func (d *description) value(p object, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice {
		if items, ok := p["items"].(object); ok {
			d.value(items, t.Elem())
		}
		return
	}
	if t.Kind() != reflect.String || p["enum"] != nil {
		return
	}
	if def, ok := d.model[modelName(t.Name())].(object); ok && t.PkgPath() == modelPackage {
		p["enum"] = def["enum"]
		return
	}
	if values := d.words.Values[t.Name()]; len(values) > 0 {
		p["enum"] = values
	}
}

// bodies describes those that handlers read themselves.
func (d *description) bodies() {
	d.operation("/v1/systems/{system}/import", "post")["requestBody"] = object{
		"required": true,
		"content":  object{"application/json": object{"schema": object{"$ref": schemaPrefix + "Import"}}},
	}
	text := object{"type": "string"}
	d.operation("/v1/systems/{system}/uploads", "post")["requestBody"] = object{
		"required": true,
		"content": object{"multipart/form-data": object{
			"schema": object{
				"type": "object", "required": []string{"file"}, "additionalProperties": false,
				"properties": object{
					"file":       object{"type": "array", "minItems": 1, "items": object{"type": "string", "format": "binary"}, "description": "The documents: any part with a file name is one"},
					"metadata":   uploadMetadata(),
					"reference":  object{"type": "string", "maxLength": 1000, "description": "Of a single file"},
					"name":       object{"type": "string", "maxLength": 500, "description": "Of a single file"},
					"media_type": object{"type": "string", "maxLength": 200, "description": "Of a single file"},
				},
			},
			"encoding": object{"metadata": object{"contentType": "application/json"}},
		}},
	}
	for _, path := range []string{"/v1/analyses/{analysis}/events", "/v1/batches/{batch}/events"} {
		op := d.operation(path, "get")
		op["security"] = []any{object{"token": []any{}}, object{"ticket": []any{}}}
		responses := op["responses"].(object)
		responses["200"] = object{"description": "A stream of events; `data` is an Event", "content": object{"text/event-stream": object{"schema": text}}}
		responses["204"] = object{"description": "Everything is over, and nothing is left to tell"}
	}
	original := d.operation("/v1/revisions/{revision}/original", "get")["responses"].(object)
	original["200"] = object{"description": "The bytes", "content": object{"application/octet-stream": object{"schema": object{"type": "string", "format": "binary"}}}}
	extracted := d.operation("/v1/sources/{source}/text", "get")["responses"].(object)
	extracted["200"] = object{"description": "The text", "content": object{"text/plain": object{"schema": text}}}
	d.operation("/v1/systems/{system}/model", "get")["responses"].(object)["304"] = object{"description": "The model is the one that the client has"}
}

func uploadMetadata() object {
	return object{
		"type": "object", "additionalProperties": false, "description": "What the sender says of the files",
		"properties": object{"files": object{"type": "array", "items": object{
			"type": "object", "required": []string{"file"}, "additionalProperties": false,
			"properties": object{
				"file":       object{"type": "string", "description": "File name of the part that it is about"},
				"reference":  object{"type": "string", "maxLength": 1000, "description": "The sender's name for the document, stable over its revisions; absent for the file name"},
				"name":       object{"type": "string", "maxLength": 500, "description": "Its ending tells the format; absent for the last part of the file name"},
				"media_type": object{"type": "string", "maxLength": 200},
			},
		}}},
	}
}

func (d *description) operation(path, method string) object {
	return d.doc["paths"].(object)[path].(object)[method].(object)
}

// examples puts the examples to their operations.
func (d *description) examples() {
	var all map[string]example
	must(json.Unmarshal(examplesFile, &all))
	for _, methods := range d.doc["paths"].(object) {
		for _, op := range methods.(object) {
			op := op.(object)
			id, _ := op["operationId"].(string)
			e := all[id]
			if body, ok := op["requestBody"].(object); ok && e.Request != nil {
				exampleIn(body, e.Request)
			}
			for status, r := range op["responses"].(object) {
				if strings.HasPrefix(status, "2") && e.Response != nil {
					exampleIn(r.(object), e.Response)
				}
			}
		}
	}
}

func exampleIn(body object, e any) {
	content, _ := body["content"].(object)
	for _, media := range content {
		media.(object)["example"] = e
	}
}
