package extract

import (
	"github.com/bartizan-security/bartizan/internal/extract/confluence"
	"github.com/bartizan-security/bartizan/internal/extract/web"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// html reads a web page: one that Confluence exported, or any other.
func (s *session) html(doc threatmodel.Document, content string) (Document, error) {
	if confluence.IsPage([]byte(content)) {
		return confluence.ReadPage(doc, content, s.confluenceOptions()), nil
	}
	return web.Read(doc, content, web.Options{MaxDepth: s.limit.XMLDepth, MaxTableCells: s.limit.TableCells})
}
