package threatmodel

// Source is a document as it was read: the text that it shows and the
// structure found in it.
//
// Every block is a slice of Text: Text[b.Locator.ByteStart:b.Locator.ByteEnd]
// equals b.Text. Blocks stand in reading order and do not overlap. What
// lies between blocks in Text is layout (bullets, blank lines).
type Source struct {
	Document
	// Parent is the id of the document above in the page tree of an export.
	Parent   string    `json:"parent,omitempty"`
	Body     string    `json:"-"`
	Blocks   []Block   `json:"blocks"`
	Diagrams []Diagram `json:"diagrams,omitempty"`
	Notices  []Notice  `json:"notices,omitempty"`
}

// BlockKind is the kind of a block.
type BlockKind string

// Kinds of block.
const (
	BlockHeading   BlockKind = "heading"
	BlockParagraph BlockKind = "paragraph"
	BlockListItem  BlockKind = "list_item"
	BlockTableRow  BlockKind = "table_row"
	BlockCode      BlockKind = "code"
	BlockDiagram   BlockKind = "diagram" // source of a diagram in a text language
	BlockCaption   BlockKind = "caption"
	BlockFootnote  BlockKind = "footnote"
	BlockImage     BlockKind = "image" // its alternative text; may be empty
)

// Role is the part that a block plays in its document. Only body text is
// analysed.
type Role string

// Roles of a block.
const (
	RoleBody       Role = "body"
	RoleHeader     Role = "header"
	RoleFooter     Role = "footer"
	RoleTOC        Role = "toc"
	RoleAnnotation Role = "annotation"
	RoleForm       Role = "form"
	RoleAttachment Role = "attachment"
)

// Block is a piece of a document's structure.
type Block struct {
	ID   string    `json:"id"`
	Kind BlockKind `json:"kind"`
	Role Role      `json:"role"`
	// Level is 1..6 for headings and the depth, from 1, for list items.
	Level int    `json:"level,omitempty"`
	Text  string `json:"text"`
	// Cells are the cells of a table row; their text joined by " | " is Text.
	Cells []string `json:"cells,omitempty"`
	// Header marks the header row of a table.
	Header bool `json:"header,omitempty"`
	// Group numbers the list or table that the block belongs to, from 1
	// within the document; 0 where it belongs to none.
	Group int `json:"group,omitempty"`
	// Language is the info string of a code or diagram block.
	Language string `json:"language,omitempty"`
	// Links are the links and includes in Text, in its order.
	Links   []Link  `json:"links,omitempty"`
	Locator Locator `json:"locator"`
	// Marks map offsets in Text to lines or pages of the source, ascending;
	// the first has offset 0. They let a sentence inside the block be
	// located more exactly than the block.
	Marks []Mark `json:"-"`
	// Joins is true where the block goes on from the last body block of the
	// page before: a sentence cut by a page break.
	Joins bool `json:"joins,omitempty"`
}

// Link is a link in a block, or an include: a line that stands for the text of
// another document.
type Link struct {
	// Start and End are offsets into the block's Text.
	Start int `json:"start"`
	End   int `json:"end"`
	// Target is what the author wrote.
	Target string `json:"target"`
	// Document is the id of the document that it leads to, where that was read
	// too; empty otherwise.
	Document string `json:"document,omitempty"`
	// Include is true for an include.
	Include bool `json:"include,omitempty"`
}

// Mark says at which line or page of the source the text from Offset on
// stands. What does not apply is 0.
type Mark struct {
	Offset, Line, Page int
}

// Locator is the place with which a reader finds a piece of text.
type Locator struct {
	// Page is 1-based; PDF only.
	Page *int `json:"page"`
	// LineStart and LineEnd are 1-based lines of the source; text formats only.
	LineStart *int `json:"line_start"`
	LineEnd   *int `json:"line_end"`
	// ByteStart and ByteEnd are UTF-8 offsets into the document's extracted text.
	ByteStart int `json:"byte_start"`
	ByteEnd   int `json:"byte_end"`
	// HeadingPath leads from the document's first level to the place.
	HeadingPath []string `json:"heading_path"`
	// Box is left, top, right, bottom in points from the page's top left; PDF only.
	Box []float64 `json:"box,omitempty"`
}

// Diagram is what was read from a diagram, written or drawn.
type Diagram struct {
	// Block is the id of the block that holds the diagram's source.
	Block string `json:"block"`
	// Language is mermaid, plantuml, drawio or gliffy; Type is flowchart,
	// sequence, c4, architecture, block, component or drawing.
	Language string        `json:"language"`
	Type     string        `json:"type"`
	Nodes    []DiagramNode `json:"nodes"`
	Edges    []DiagramEdge `json:"edges"`
	Groups   []DiagramNode `json:"groups"`
	// Lines are the offsets into the text of the block, ascending, at which
	// the lines begin that state something: a node, an arrow, a group, a
	// note, or what was not understood. The others are syntax alone. Nil
	// where that is not known: then every line may state something.
	Lines []int `json:"lines,omitempty"`
}

// DiagramNode is a node or group of a diagram. Start and End are offsets into
// the text of the diagram's block, of the line that declares it.
type DiagramNode struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Technology is what the diagram says that it is built with: the
	// technology of a C4 element, the product that a stencil stands for.
	Technology string `json:"technology,omitempty"`
	// Group is the id of the innermost group around it.
	Group string `json:"group,omitempty"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

// DiagramEdge is an arrow of a diagram.
type DiagramEdge struct {
	From          string `json:"from"`
	To            string `json:"to"`
	Label         string `json:"label,omitempty"`
	Bidirectional bool   `json:"bidirectional,omitempty"`
	Start         int    `json:"start"`
	End           int    `json:"end"`
}

// Passage is the unit of citation: a paragraph, a list item, a table row, a
// code block or a diagram of a document's body.
type Passage struct {
	// ID is a hash of the text and the nearest heading, with an occurrence
	// number where the same stands more than once.
	ID       string
	Document string
	Kind     BlockKind
	// Heading is the nearest heading above; its path stands in Locator.
	Heading string
	// Header is the header row of the table that a row belongs to.
	Header    string
	Text      string
	Sentences []Sentence
	Locator   Locator
	// Order is the position within the document, from 0. It orders passages
	// in a prompt; no prompt shows it.
	Order int
	// Section counts headings within the document: passages with the same
	// number stand under the same heading.
	Section int
	// Group is the list or table of the document that the passage is part of.
	Group int
}

// Sentence is what a citation points to: a sentence, list item, table row or
// diagram line.
type Sentence struct {
	// Text is the sentence with white space folded.
	Text string
	// Spans are its pieces in the document's extracted text; two where a
	// page break cuts it.
	Spans []Span
	// Whole is true for a list item, row or line, which may be short.
	Whole bool
}

// Span is a piece of a sentence where it stands.
type Span struct {
	// Text is the piece with white space folded.
	Text    string
	Locator Locator
}
