// Package schemagen makes a JSON Schema of Go types: structure from the types
// themselves, descriptions and the values of enumerations from their source.
// It runs when the schema is made and in the test that holds it current, never
// in the program.
package schemagen

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Schema is a JSON object. Keys are written in alphabetical order.
type Schema = map[string]any

// Generate makes the schema of a struct, and of every struct and named text of
// the same package that it reaches, in draft 2020-12.
func Generate(root any, source *Source, id, title string) Schema {
	g := generator{source: source, defs: Schema{}}
	t := reflect.TypeOf(root)
	g.home = t.PkgPath()
	s := g.of(t)
	return Schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, "title": title,
		"$ref": s["$ref"], "$defs": g.defs,
	}
}

type generator struct {
	source *Source
	home   string
	defs   Schema
}

var (
	rawMessage = reflect.TypeFor[json.RawMessage]()
	clockTime  = reflect.TypeFor[time.Time]()
)

// of is the schema of a type; types of the package become references.
func (g *generator) of(t reflect.Type) Schema {
	switch {
	case t == rawMessage:
		return Schema{}
	case t == clockTime:
		return Schema{"type": "string", "format": "date-time"}
	case t.PkgPath() == g.home && t.Name() != "":
		return g.reference(t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return Schema{"type": "integer"}
	case reflect.Float64:
		return Schema{"type": "number"}
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Slice:
		return Schema{"type": "array", "items": g.of(t.Elem())}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": g.of(t.Elem())}
	case reflect.Pointer:
		return nullable(g.of(t.Elem()))
	}
	panic(fmt.Sprintf("schemagen: no schema for %s", t)) // a new kind of field wants a decision here
}

// nullable also allows null.
func nullable(s Schema) Schema {
	if name, ok := s["type"].(string); ok {
		s["type"] = []string{name, "null"}
		return s
	}
	return Schema{"anyOf": []any{s, Schema{"type": "null"}}}
}

func (g *generator) reference(t reflect.Type) Schema {
	if _, known := g.defs[t.Name()]; !known {
		g.defs[t.Name()] = nil // types may reach themselves
		g.defs[t.Name()] = g.define(t)
	}
	return Schema{"$ref": "#/$defs/" + t.Name()}
}

func (g *generator) define(t reflect.Type) Schema {
	var s Schema
	if t.Kind() == reflect.Struct {
		s = g.object(t)
	} else {
		s = Schema{"type": "string"}
		if values := g.source.Values[t.Name()]; len(values) > 0 {
			s["enum"] = values
		}
	}
	describe(s, g.source.Types[t.Name()])
	return s
}

func (g *generator) object(t reflect.Type) Schema {
	properties, required := Schema{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous || name == "" {
			panic(fmt.Sprintf("schemagen: %s.%s has no name in JSON", t.Name(), f.Name))
		}
		s := g.of(f.Type)
		omitted := strings.Contains(options, "omitempty")
		if k := f.Type.Kind(); f.Type != rawMessage && (k == reflect.Slice || k == reflect.Map) && !omitted {
			s = nullable(s) // Go writes an empty one of these as null
		}
		describe(s, g.source.Fields[t.Name()+"."+f.Name])
		properties[name] = s
		if !omitted {
			required = append(required, name)
		}
	}
	return Schema{"type": "object", "properties": properties, "required": required}
}

func describe(s Schema, text string) {
	if text != "" {
		s["description"] = text
	}
}
