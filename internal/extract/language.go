package extract

import (
	"fmt"

	prose "github.com/bartizan-security/bartizan/internal/extract/language"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// tellLanguage notes the language of a document, and tells where it is not
// English. What the text shows counts more than what the file says of itself:
// programs write the language of their user there.
func tellLanguage(doc *Document) {
	found := prose.Of(*doc)
	if found.Code == "" {
		return // what the file says stays
	}
	doc.Language = found.Code
	if found.Code == prose.English {
		return
	}
	doc.Notices = append(doc.Notices, threatmodel.Notice{
		Kind: threatmodel.NoticeFormat,
		Text: fmt.Sprintf("The document is written in %s. It is read and analysed all the same; the built-in patterns know English only, so a model finds more in it.", found.Name),
	})
}
