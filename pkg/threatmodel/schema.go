package threatmodel

import (
	_ "embed"
	"slices"
)

// schemaFile is made from the types of this package; a test holds it current.
// Make it anew with: go test ./pkg/threatmodel -run TestSchemaIsCurrent -update
//
//go:embed schema.json
var schemaFile []byte

// SchemaID is the identifier of the JSON Schema of this version.
const SchemaID = "https://bartizan-security.github.io/schema/model-1.0.json"

// Schema is the JSON Schema (draft 2020-12) of model.json. The result is the
// caller's. Properties that the schema does not know are allowed: a later minor
// version may add some.
func Schema() []byte { return slices.Clone(schemaFile) }
