package extract

import "strings"

// sourceExtensions are the names of code and data. Such a file is text, and
// is read where it is named; in a folder it is no design document.
var sourceExtensions = func() map[string]bool {
	m := map[string]bool{}
	for _, e := range strings.Fields(`
		.go .mod .sum .py .pyi .ipynb .js .mjs .cjs .jsx .ts .tsx .vue .svelte .java .kt .kts .scala .groovy
		.gradle .c .h .cc .cpp .hpp .cs .fs .vb .rs .rb .php .pl .pm .lua .r .jl .swift .m .mm .dart .ex .exs
		.erl .hs .clj .elm .zig .nim .sh .bash .zsh .fish .ps1 .bat .cmd .sql .graphql .proto .thrift .avsc
		.tf .tfvars .hcl .rego .cue .bicep .jsonnet .libsonnet .nix .dockerfile .mk .cmake .bazel .bzl
		.css .scss .sass .less .excalidraw .map .lock
		.json .jsonl .json5 .yaml .yml .toml .ini .cfg .conf .properties .env .xml .xsd .xsl .csv .tsv .parquet
		.plist .pem .crt .cer .key .p12 .pfx .jks .asc .sig .sha256 .log .diff .patch .po .pot .snap`) {
		m[e] = true
	}
	return m
}()
