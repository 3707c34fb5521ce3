package api

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
)

// docsFiles is the reference as a page: swagger-ui-dist 5.35.0, unchanged but
// for compression, and a few lines of ours. docs/fetch says how it got here.
//
//go:embed docs/index.html docs/start.js docs/swagger-ui-bundle.js.gz docs/swagger-ui.css.gz
var docsFiles embed.FS

// docsPolicy lets the page load what is in this binary and ask this host.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// documentation serves what tells about the API; it wants no token.
func (s *server) documentation() {
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(s.spec) // the caller may be gone
	})
	s.page("/docs", "docs/index.html")
	s.page("/docs/start.js", "docs/start.js")
	s.page("/docs/swagger-ui-bundle.js", "docs/swagger-ui-bundle.js.gz")
	s.page("/docs/swagger-ui.css", "docs/swagger-ui.css.gz")
}

// mediaTypes are those of the files of the page.
var mediaTypes = map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

func (s *server) page(address, file string) {
	content, err := docsFiles.ReadFile(file)
	if err != nil {
		panic(fmt.Sprintf("api: %v", err)) // it is embedded
	}
	name, compressed := strings.CutSuffix(file, ".gz")
	plain := sync.OnceValue(func() []byte { return inflate(content) })
	s.mux.HandleFunc("GET "+address, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", mediaTypes[path.Ext(name)])
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Cache-Control", "max-age=3600")
		h.Set("Vary", "Accept-Encoding")
		body := content
		if compressed {
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.Set("Content-Encoding", "gzip")
			} else {
				body = plain()
			}
		}
		_, _ = w.Write(body) // the caller may be gone
	})
}

func inflate(content []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err == nil {
		content, err = io.ReadAll(r)
	}
	if err != nil {
		panic(fmt.Sprintf("api: a file of the reference is broken: %v", err)) // it is embedded
	}
	return content
}
