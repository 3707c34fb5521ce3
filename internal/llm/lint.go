package llm

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
)

// Limits of the strict subset, as the strictest endpoints document them.
const (
	maxProperties = 100
	maxDepth      = 5 // of nested objects
	maxEnumValues = 500
)

// LintStrict reports the first way in which a schema leaves the strict subset
// that endpoints can enforce: the root is an object; every property is
// required; no further properties; optional means nullable; only keywords that
// all support.
func LintStrict(raw json.RawMessage) error {
	var root map[string]any
	if err := json.Unmarshal(raw, &root); err != nil {
		return fmt.Errorf("no JSON object: %w", err)
	}
	if root["type"] != "object" {
		return fmt.Errorf("the root must be an object, not %v", root["type"])
	}
	l := linter{}
	if err := l.node(root, "$", 0); err != nil {
		return err
	}
	switch {
	case l.properties > maxProperties:
		return fmt.Errorf("%d properties are more than %d", l.properties, maxProperties)
	case l.enums > maxEnumValues:
		return fmt.Errorf("%d enum values are more than %d", l.enums, maxEnumValues)
	}
	return nil
}

type linter struct{ properties, enums int }

var strictKeywords = []string{"type", "properties", "required", "additionalProperties", "items", "enum", "description"}

func (l *linter) node(n map[string]any, path string, depth int) error {
	for _, key := range sortedKeys(n) {
		if !slices.Contains(strictKeywords, key) {
			return fmt.Errorf("%s: the keyword %s is not in the strict subset", path, key)
		}
	}
	if values, ok := n["enum"].([]any); ok {
		l.enums += len(values)
	}
	switch {
	case isType(n, "object"):
		return l.object(n, path, depth+1)
	case isType(n, "array"):
		items, ok := n["items"].(map[string]any)
		if !ok {
			return fmt.Errorf("%s: an array must say what its items are", path)
		}
		return l.node(items, path+"[]", depth)
	}
	if n["type"] == nil {
		return fmt.Errorf("%s: no type", path)
	}
	return nil
}

func (l *linter) object(n map[string]any, path string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: objects are nested deeper than %d", path, maxDepth)
	}
	if n["additionalProperties"] != false {
		return fmt.Errorf("%s: additionalProperties must be false", path)
	}
	properties, _ := n["properties"].(map[string]any)
	required := map[string]bool{}
	list, _ := n["required"].([]any)
	for _, r := range list {
		if name, ok := r.(string); ok {
			required[name] = true
		}
	}
	for _, name := range sortedKeys(properties) {
		l.properties++
		if !required[name] {
			return fmt.Errorf("%s.%s: every property must be required; optional ones are nullable", path, name)
		}
		child, ok := properties[name].(map[string]any)
		if !ok {
			return fmt.Errorf("%s.%s: no schema", path, name)
		}
		if err := l.node(child, path+"."+name, depth); err != nil {
			return err
		}
	}
	if len(required) != len(properties) {
		return fmt.Errorf("%s: required names a property that is not there", path)
	}
	return nil
}

func isType(n map[string]any, name string) bool {
	if list, ok := n["type"].([]any); ok {
		return slices.Contains(list, any(name))
	}
	return n["type"] == name
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
