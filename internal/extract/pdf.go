package extract

import "errors"

func (s *session) pdf(in input) {
	s.fail(in.error(KindUnreadable, errors.New("PDF documents are not read yet"), "Save the document as Markdown or text"))
}
