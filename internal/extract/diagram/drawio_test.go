package diagram

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// cells writes a drawing of one page.
func cells(cells ...string) string {
	return `<mxfile><diagram name="P"><mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>` + strings.Join(cells, "") + `</root></mxGraphModel></diagram></mxfile>`
}

// box is a shape: its id, parent, label, style, and left, top, width, height.
func box(id, parent, label, style string, at ...int) string {
	return fmt.Sprintf(`<mxCell id="%s" parent="%s" value="%s" style="html=1;%s" vertex="1"><mxGeometry x="%d" y="%d" width="%d" height="%d" as="geometry"/></mxCell>`,
		id, parent, html.EscapeString(label), style, at[0], at[1], at[2], at[3])
}

func line(id, from, to, label, style string) string {
	return fmt.Sprintf(`<mxCell id="%s" parent="1" value="%s" style="%s" edge="1" source="%s" target="%s"><mxGeometry relative="1" as="geometry"/></mxCell>`,
		id, html.EscapeString(label), style, from, to)
}

func sheetOf(t *testing.T, xml string) Sheet {
	t.Helper()
	sheets, err := ReadDrawing([]byte(xml), mxfile.Limits{})
	if err != nil || len(sheets) != 1 {
		t.Fatalf("ReadDrawing: %d sheets, %v", len(sheets), err)
	}
	return sheets[0]
}

type drawingTest struct {
	name  string
	cells []string
	// text is that of the page, kinds those of elements that are no
	// processes.
	text, kinds []string
	problems    []string
}

func runDrawings(t *testing.T, tests []drawingTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sheetOf(t, cells(tt.cells...))
			if diff := cmp.Diff(strings.Join(tt.text, "\n"), s.Text); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			var kinds []string
			for _, n := range s.Diagram.Nodes {
				if n.Kind != threatmodel.Process {
					kinds = append(kinds, n.Name+": "+string(n.Kind))
				}
			}
			if diff := cmp.Diff(tt.kinds, kinds); diff != "" {
				t.Errorf("kinds (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.problems, s.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			checkSheet(t, s)
		})
	}
}

// checkSheet asserts that the lines of a sheet hold what they state.
func checkSheet(t *testing.T, s Sheet) {
	t.Helper()
	names := map[string]string{}
	for _, n := range append(append([]threatmodel.DiagramNode{}, s.Diagram.Groups...), s.Diagram.Nodes...) {
		names[n.ID] = n.Name
		if line := s.Text[n.Start:n.End]; !strings.HasPrefix(line, n.Name) || strings.Contains(line, "\n") {
			t.Errorf("the line of %q is %q", n.Name, line)
		}
	}
	for _, e := range s.Diagram.Edges {
		line := s.Text[e.Start:e.End]
		if names[e.From] == "" || names[e.To] == "" || !strings.HasPrefix(line, names[e.From]) || !strings.Contains(line, names[e.To]) || !strings.HasSuffix(line, e.Label) {
			t.Errorf("the line of %q to %q is %q", e.From, e.To, line)
		}
	}
}

func TestDrawingElements(t *testing.T) {
	runDrawings(t, []drawingTest{
		{
			"shapes tell the kind",
			[]string{
				box("a", "1", "Orders API", "rounded=1", 200, 0, 100, 40), box("b", "1", "Orders", "shape=cylinder3", 400, 0, 60, 80),
				box("c", "1", "Shopper", "shape=umlActor", 0, 0, 30, 60), box("d", "1", "Payment provider", "ellipse;shape=cloud", 600, 0, 100, 60),
				box("e", "1", "Files", "shape=datastore", 0, 200, 60, 60), box("f", "1", "Ann", "shape=actor", 200, 200, 30, 60), box("g", "1", "Orders DB", "", 400, 200, 80, 40),
			},
			[]string{"Shopper", "Orders API", "Orders", "Payment provider", "Files", "Ann", "Orders DB"},
			[]string{"Orders: data_store", "Shopper: external_entity", "Payment provider: external_entity", "Files: data_store", "Ann: external_entity", "Orders DB: data_store"},
			nil,
		},
		{
			"labels in HTML are text; a long one is a name and what it says more",
			[]string{
				box("a", "1", "Web&nbsp;<b>app</b><br>v2", "", 0, 0, 100, 40),
				box("b", "1", "<b>Orders API</b><div>takes orders</div>", "", 200, 0, 100, 40),
				box("c", "1", "Billing<br>charges the cards of customers by the payment provider, once a day", "", 400, 0, 100, 40),
				box("d", "1", "<style>x</style>Ledger<br>[Container: Go]<br>books", "", 600, 0, 100, 40),
			},
			[]string{"Web app v2", "Orders API: takes orders", "Billing: charges the cards of customers by the payment provider, once a day", "Ledger [Go]: books"},
			nil, nil,
		},
		{
			"stencils of vendors name the technology, and the element where no label does",
			[]string{
				box("a", "1", "Invoices", "shape=mxgraph.aws4.resourceIcon;resIcon=mxgraph.aws4.s3", 0, 0, 50, 50),
				box("b", "1", "", "shape=mxgraph.aws4.resourceIcon;resIcon=mxgraph.aws4.sqs", 200, 0, 50, 50),
				box("c", "1", "Resize", "image;image=img/lib/azure2/compute/Function_Apps.svg", 400, 0, 50, 50),
				box("d", "1", "", "shape=mxgraph.gcp2.cloud_run", 0, 200, 50, 50), box("t", "1", "Thumbnails", "text", 0, 255, 60, 20),
				box("e", "1", "", "shape=mxgraph.aws4.shield", 400, 200, 50, 50),
			},
			[]string{"Invoices [Amazon S3]", "Amazon SQS", "Resize [Azure Functions]", "Thumbnails [Google Cloud Run]"},
			[]string{"Invoices: data_store", "Amazon SQS: data_store"},
			nil,
		},
		{
			"an icon on a box is part of it",
			[]string{
				box("a", "1", "Orders", "", 0, 0, 120, 60), box("i", "1", "", "shape=mxgraph.aws4.resourceIcon;resIcon=mxgraph.aws4.dynamodb", 5, 5, 20, 20),
				box("b", "1", "API", "", 300, 0, 120, 60), line("e", "b", "i", "reads", ""),
			},
			[]string{"Orders [DynamoDB]", "API", "API -> Orders: reads"},
			[]string{"Orders: data_store"},
			nil,
		},
		{
			"a frame and the icon that is a part of it are a card",
			[]string{
				box("f", "1", "", "rounded=1;strokeColor=#ddd", 0, 0, 190, 60), box("i", "f", "Storage<br>Cloud Storage", "shape=image;part=1;labelPosition=right", 5, 5, 40, 40),
				box("g", "1", "", "rounded=1;strokeColor=#ddd", 300, 0, 190, 60), box("j", "g", "Cleaning<br>Dataflow", "shape=image;part=1;labelPosition=right", 5, 5, 40, 40),
				line("e", "f", "g", "", ""),
			},
			[]string{"Storage Cloud Storage [Google Cloud Storage]", "Cleaning Dataflow", "Storage Cloud Storage -> Cleaning Dataflow"},
			[]string{"Storage Cloud Storage: data_store"},
			nil,
		},
		{
			"objects with placeholders, and those of C4",
			[]string{
				`<object id="a" label="%app% (%stage%)" placeholders="1" app="Shop" stage="prod"><mxCell vertex="1" parent="1" style="html=1"><mxGeometry width="80" height="40" as="geometry"/></mxCell></object>`,
				`<object id="b" label="&lt;b&gt;%c4Name%&lt;/b&gt;&lt;div&gt;[%c4Type%]" placeholders="1" c4Name="Clerk" c4Type="Person" c4Description="books"><mxCell vertex="1" parent="1" style="html=1;rounded=1"><mxGeometry x="200" width="80" height="40" as="geometry"/></mxCell></object>`,
				`<object id="c" label="x" c4Name="Orders API" c4Type="Container" c4Technology="Go"><mxCell vertex="1" parent="1" style="html=1"><mxGeometry x="400" width="80" height="40" as="geometry"/></mxCell></object>`,
				`<object id="e" label="x" c4Type="Relationship" c4Description="Places orders" c4Technology="HTTPS"><mxCell edge="1" source="b" target="c" parent="1"/></object>`,
			},
			[]string{"Shop (prod)", "Clerk: books", "Orders API [Go]", "Clerk -> Orders API: Places orders [HTTPS]"},
			[]string{"Clerk: external_entity"},
			nil,
		},
		{
			"texts, notes, numbers and paragraphs are no elements; a text with arrows is one",
			[]string{
				box("a", "1", "API", "", 0, 0, 80, 40), box("n", "1", "Keeps no state", "shape=note", 200, 0, 80, 40), box("t", "1", "Version 2", "text", 400, 0, 80, 20),
				box("i", "1", "Internet", "text", 0, 200, 80, 20), box("x", "1", "12", "ellipse", 600, 0, 20, 20),
				line("e", "i", "a", "", ""), line("f", "n", "a", "", ""),
			},
			[]string{"API", "Keeps no state", "Version 2", "12", "Internet", "Internet -> API"},
			nil, nil,
		},
		{
			"rows of lists and tables are text; nothing in a legend is an element",
			[]string{
				box("l", "1", "Order", "swimlane;childLayout=stackLayout", 0, 0, 100, 80), box("r", "l", "id: int", "text", 0, 26, 100, 26),
				box("k", "1", "Legend", "swimlane", 300, 0, 200, 100), box("k1", "k", "Data store", "shape=cylinder3", 10, 40, 60, 40),
			},
			[]string{"Order", "Legend", "id: int", "Data store"},
			nil, nil,
		},
	})
}

func TestDrawingBoundaries(t *testing.T) {
	runDrawings(t, []drawingTest{
		{
			"a text close above a box without a label is its name, where none in it is",
			[]string{
				box("z", "1", "", "fillColor=none;dashed=1", 0, 140, 300, 180), box("t", "1", "Audit account", "text", -5, 105, 120, 30), box("a", "1", "Log writer", "", 40, 200, 80, 40),
				box("y", "1", "", "fillColor=none;dashed=1", 400, 140, 300, 180), box("u", "1", "Draft 3", "text", 400, 105, 120, 30), box("v", "1", "Root account", "text", 405, 145, 120, 30), box("b", "1", "Role", "", 440, 200, 80, 40),
			},
			[]string{"Draft 3", "Audit account:", "  Log writer", "Root account:", "  Role"},
			nil, nil,
		},
		{
			"an icon on the upper side of a box without a label is its sign, unless arrows lead to it",
			[]string{
				box("z", "1", "", "rounded=1", 0, 100, 300, 200), box("a", "1", "API", "", 20, 160, 80, 40), box("b", "1", "Worker", "", 160, 160, 80, 40),
				box("i", "1", "Backend", "image;image=img/lib/azure2/compute/App_Services.svg", 125, 40, 50, 50), line("e", "c", "z", "", ""), box("c", "1", "Client", "", 500, 160, 80, 40),
				box("y", "1", "", "rounded=1", 700, 100, 300, 200), box("f", "1", "Rates", "", 720, 160, 80, 40), box("g", "1", "Quotes", "", 860, 160, 80, 40),
				box("j", "1", "Gate", "image;image=img/lib/azure2/compute/App_Services.svg", 825, 40, 50, 50), line("h", "j", "f", "", ""),
			},
			[]string{"Gate [Azure App Service]", "Backend [Azure App Service]:", "  API", "  Worker", "Client", "Rates", "Quotes", "Client -> Backend", "Gate -> Rates"},
			nil, nil,
		},
		{
			"by parents, in swimlanes and groups",
			[]string{
				box("z", "1", "AWS account", "swimlane", 0, 0, 600, 400), box("v", "z", "VPC", "rounded=0;container=1;verticalAlign=top", 20, 40, 300, 300),
				box("a", "v", "Orders API", "", 20, 40, 100, 40), box("g", "v", "", "group", 20, 120, 200, 100), box("b", "g", "Orders", "shape=cylinder3", 0, 0, 60, 60),
				box("c", "z", "Logs", "shape=cylinder", 400, 40, 60, 60),
			},
			[]string{"AWS account:", "  VPC:", "    Orders API", "    Orders", "  Logs"},
			[]string{"Orders: data_store", "Logs: data_store"},
			nil,
		},
		{
			"by place, where there are no parents, also drawn later and named by a text",
			[]string{
				box("z", "1", "Data centre", "verticalAlign=top", 0, 0, 600, 400), box("d", "1", "", "dashed=1;fillColor=none", 20, 60, 300, 300), box("t", "1", "Private zone", "text", 30, 65, 100, 20),
				box("a", "1", "Orders API", "", 40, 120, 100, 40), box("b", "1", "Orders", "", 40, 200, 60, 60), box("c", "1", "Logs", "", 400, 100, 60, 60),
				box("f", "1", "Perimeter", "fillColor=none;verticalAlign=top", 390, 60, 200, 200),
			},
			[]string{"Data centre:", "  Private zone:", "    Orders API", "    Orders", "  Perimeter:", "    Logs"},
			nil, nil,
		},
		{
			"one label on another makes no boundary",
			[]string{box("a", "1", "Orders API", "fillColor=red", 0, 0, 200, 100), box("b", "1", "cache", "", 10, 60, 60, 30)},
			[]string{"Orders API", "cache"},
			nil, nil,
		},
		{
			"groups of vendors have names of their own",
			[]string{
				box("v", "1", "", "shape=mxgraph.aws4.group;grIcon=mxgraph.aws4.group_vpc;container=1", 0, 0, 400, 300), box("a", "v", "API", "", 20, 40, 100, 40),
				box("s", "v", "Subnet A", "shape=mxgraph.aws4.group;grIcon=mxgraph.aws4.group_private_subnet", 20, 100, 200, 100),
			},
			[]string{"VPC:", "  API", "  Subnet A:"},
			nil, nil,
		},
		{
			"an arrow may lead to a boundary; an empty box is an element",
			[]string{box("z", "1", "Zone", "swimlane", 0, 0, 300, 200), box("a", "z", "API", "", 20, 40, 100, 40), box("u", "1", "User", "", 400, 0, 80, 40), box("w", "1", "Lane", "swimlane", 400, 100, 80, 80), line("e", "u", "z", "", "")},
			[]string{"Zone:", "  API", "User", "Lane", "User -> Zone"},
			[]string{"User: external_entity"},
			nil,
		},
	})
}

func TestDrawingArrows(t *testing.T) {
	ab := []string{box("a", "1", "A one", "", 0, 0, 100, 40), box("b", "1", "B two", "", 300, 0, 100, 40)}
	for style, want := range map[string]string{
		"": "A one -> B two", "endArrow=none": "A one <-> B two", "startArrow=classic;endArrow=none": "B two -> A one", "startArrow=block;endArrow=block": "A one <-> B two",
		"startArrow=oval;endArrow=open": "A one -> B two", "endArrow=ERmany": "A one <-> B two", "dashed=1;endArrow=blockThin": "A one -> B two",
	} {
		s := sheetOf(t, cells(append(ab, line("e", "a", "b", "", style))...))
		if lines := strings.Split(s.Text, "\n"); lines[len(lines)-1] != want {
			t.Errorf("an arrow of the style %q is %q, want %q", style, lines[len(lines)-1], want)
		}
	}
	free := func(x1, y1, x2, y2 int, label string) string {
		return fmt.Sprintf(`<mxCell id="e" parent="1" value="%s" edge="1"><mxGeometry as="geometry"><mxPoint x="%d" y="%d" as="sourcePoint"/><mxPoint x="%d" y="%d" as="targetPoint"/></mxGeometry></mxCell>`, label, x1, y1, x2, y2)
	}
	runDrawings(t, []drawingTest{
		{
			"labels on the arrow and in cells of their own",
			append(ab, line("e", "a", "b", "reads", ""), box("l", "e", "SQL<br>TLS", "edgeLabel", 0, 0, 10, 10)),
			[]string{"A one", "B two", "A one -> B two: reads; SQL TLS"},
			nil, nil,
		},
		{"a free end near a shape belongs to it", append(ab, free(108, 20, 295, 20, "calls")), []string{"A one", "B two", "A one -> B two: calls"}, nil, nil},
		{
			"one that is far is told, and its label kept",
			append(ab, free(100, 20, 200, 300, "calls")),
			[]string{"A one", "B two", "calls"},
			nil,
			[]string{"arrows of which an end touches no shape are kept as text: 1 (cells e)"},
		},
		{
			"a line that joins nothing is told, and its label kept",
			append(ab, free(200, 100, 200, 300, "trust boundary")),
			[]string{"A one", "B two", "trust boundary"},
			nil,
			[]string{"lines that join nothing are kept as text: 1 (cells e)"},
		},
		{"a stroke is nothing", append(ab, free(200, 100, 200, 300, "")), []string{"A one", "B two"}, nil, nil},
		{
			"arrows go through crossings",
			append(ab, box("w", "1", "", "shape=waypoint", 200, 15, 10, 10), box("c", "1", "C three", "", 300, 100, 100, 40), line("e", "a", "w", "calls", "endArrow=none"), line("f", "w", "b", "", ""), line("g", "w", "c", "", "")),
			[]string{"A one", "B two", "C three", "A one -> B two: calls", "A one -> C three: calls"},
			nil, nil,
		},
		{
			"a shape without a label is told",
			append(ab, box("x", "1", "", "", 500, 0, 100, 40), line("e", "b", "x", "", "")),
			[]string{"A one", "B two"},
			nil,
			[]string{"shapes at which arrows end, without a label, are no elements: 1 (cells x)"},
		},
		{
			"bars on a lifeline are the lifeline",
			[]string{
				box("a", "1", ":Web", "shape=umlLifeline;container=1", 0, 0, 100, 300), box("a1", "a", "", "", 45, 80, 10, 80),
				box("b", "1", ":Orders", "shape=umlLifeline;container=1", 200, 0, 100, 300), box("b1", "b", "", "", 45, 80, 10, 80), line("e", "a1", "b1", "ask", ""),
			},
			[]string{":Web", ":Orders", ":Web -> :Orders: ask"},
			nil, nil,
		},
		{
			"hidden layers are not read, locked ones are",
			append(ab, `<mxCell id="L" value="Draft" parent="0" visible="0"/>`, box("x", "L", "Not yet", "", 0, 200, 100, 40), line("e", "a", "x", "", ""), `<mxCell id="M" value="Base" parent="0" style="locked=1"/>`, box("y", "M", "Base system", "", 300, 200, 100, 40)),
			[]string{"A one", "B two", "Base system"},
			nil,
			[]string{`the layer "Draft" is hidden; what is on it is not read`},
		},
		{
			"shapes without ids are shown",
			[]string{box("", "1", "Zone", "swimlane", 0, 0, 300, 200), box("", "1", "API one", "", 20, 40, 100, 40)},
			[]string{"Zone:", "  API one"},
			nil, nil,
		},
		{
			"parents in a circle and ids given twice harm nothing",
			append(ab, box("p", "q", "P", "", 0, 200, 100, 40), box("q", "p", "Q q", "", 300, 200, 100, 40), box("a", "1", "Again", "", 500, 0, 100, 40), line("e", "a", "b", "", "")),
			[]string{"A one", "B two", "Again", "P:", "  Q q", "A one -> B two"},
			nil, nil,
		},
	})
}

// TestDrawingLabelsOfArrows holds where arrows end, and which texts go along
// them.
func TestDrawingLabelsOfArrows(t *testing.T) {
	runDrawings(t, []drawingTest{
		{
			"an arrow may end below the label of an icon, which stands below it",
			[]string{
				box("a", "1", "Build<br>[CI]", "image;image=img/x.svg;verticalLabelPosition=bottom;verticalAlign=top", 0, 0, 50, 50), box("b", "1", "Code", "", 0, 200, 50, 50),
				`<mxCell id="e" parent="1" edge="1" source="b"><mxGeometry as="geometry"><mxPoint x="25" y="92" as="targetPoint"/></mxGeometry></mxCell>`,
			},
			[]string{"Build [CI]", "Code", "Code -> Build [CI]"},
			nil, nil,
		},
		{
			"an interface with a name is told along the arrows through it",
			[]string{
				box("a", "1", "API", "", 0, 0, 80, 40), box("b", "1", "Ledger", "", 300, 0, 80, 40),
				box("i", "1", "gRPC", "shape=providedRequiredInterface;verticalLabelPosition=bottom", 180, 10, 20, 20), line("e", "a", "i", "", "endArrow=none"), line("f", "i", "b", "", "endArrow=none"),
			},
			[]string{"API", "Ledger", "API <-> Ledger: gRPC"},
			nil, nil,
		},
		{
			"a sentence between arrows is what goes along them, a short text an element",
			[]string{
				box("a", "1", "App", "", 0, 0, 80, 40), box("b", "1", "Cache", "", 600, 0, 80, 40), box("t", "1", "keeps the refresh tokens", "text", 250, 10, 120, 20),
				line("e", "a", "t", "", ""), line("f", "t", "b", "", ""), box("u", "1", "Shopper", "text", 0, 200, 80, 20), line("g", "u", "a", "", ""), line("h", "u", "b", "", ""),
			},
			[]string{"App", "Cache", "Shopper", "Shopper -> App", "Shopper -> Cache", "App -> Cache: keeps the refresh tokens"},
			[]string{"Shopper: external_entity"},
			nil,
		},
		{
			"a paragraph from which only a line without a head leads is a note",
			[]string{
				box("a", "1", "App", "", 0, 0, 80, 40),
				box("n", "1", "In the first release this is done by hand, by whoever is on duty, with the list of the day before.", "", 200, 0, 120, 80), line("e", "n", "a", "", "endArrow=none;dashed=1"),
			},
			[]string{"App", "In the first release this is done by hand, by whoever is on duty, with the list of the day before."},
			nil, nil,
		},
		{
			"bars on lifelines belong to them, also where they are not drawn into them",
			[]string{
				box("a", "1", ":Web", "shape=umlLifeline", 0, 0, 100, 600), box("b", "1", ":Books", "shape=umlLifeline", 300, 0, 100, 600),
				box("x", "1", "", "points=[]", 45, 100, 10, 30), box("y", "1", "", "points=[]", 345, 100, 10, 30), line("e", "x", "y", "book", ""),
			},
			[]string{":Web", ":Books", ":Web -> :Books: book"},
			nil, nil,
		},
	})
}

func TestLinksOfShapesStandAtTheirLines(t *testing.T) {
	s := sheetOf(t, cells(
		`<UserObject id="a" label="Orders API" link="orders.md"><mxCell vertex="1" parent="1"><mxGeometry width="80" height="40" as="geometry"/></mxCell></UserObject>`,
		`<UserObject id="b" label="Next page" link="data:page/id,x"><mxCell style="text" vertex="1" parent="1"><mxGeometry y="90" width="80" height="40" as="geometry"/></mxCell></UserObject>`,
	))
	if len(s.Links) != 1 || s.Links[0].Target != "orders.md" || s.Text[s.Links[0].Start:s.Links[0].End] != "Orders API" {
		t.Errorf("the links of %q are %+v", s.Text, s.Links)
	}
}

func TestPagesAndFilesOfDrawings(t *testing.T) {
	page := func(name string, cells ...string) string {
		return `<diagram name="` + name + `"><mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>` + strings.Join(cells, "") + `</root></mxGraphModel></diagram>`
	}
	sheets, err := ReadDrawing([]byte(`<mxfile>`+page("One", box("a", "1", "A one", "", 0, 0, 80, 40))+page("Empty")+page("Two", box("a", "1", "B two", "", 0, 0, 80, 40))+`<diagram name="Bad">?`), mxfile.Limits{})
	if err == nil || len(sheets) != 4 || sheets[0].Text != "A one" || sheets[1].Text != "" || sheets[1].Diagram.Type != "" || sheets[2].Text != "B two" || sheets[2].Name != "Two" {
		t.Errorf("the sheets are %+v, %v", sheets, err)
	}
}

func TestDiagramsThatWereWrittenIntoADrawing(t *testing.T) {
	sheets, err := ReadDrawing([]byte(cells(
		`<UserObject id="m" label="" mermaidData="{&quot;data&quot;:&quot;graph TD\n  web[Web app] --&gt; db[(Orders)]&quot;,&quot;config&quot;:{}}"><mxCell style="shape=image" parent="1" vertex="1"/></UserObject>`,
		`<UserObject id="p" label="" plantUmlData="{&quot;data&quot;:&quot;@startuml\r\n[API] -&gt; [Vault]\r\n@enduml&quot;}"><mxCell style="shape=image" parent="1" vertex="1"/></UserObject>`,
		box("a", "1", "Beside", "", 0, 0, 80, 40),
	)), mxfile.Limits{})
	if err != nil || len(sheets) != 3 {
		t.Fatalf("%d sheets, %v", len(sheets), err)
	}
	for i, want := range []struct{ language, text, edge string }{
		{"drawio", "Beside", ""},
		{"mermaid", "graph TD\n  web[Web app] --> db[(Orders)]", "web db"},
		{"plantuml", "@startuml\n[API] -> [Vault]\n@enduml", "API Vault"},
	} {
		s := sheets[i]
		edge := ""
		for _, e := range s.Diagram.Edges {
			edge += e.From + " " + e.To
		}
		if s.Language != want.language || s.Text != want.text || edge != want.edge {
			t.Errorf("in %s %q with the arrows %q, want %+v", s.Language, s.Text, edge, want)
		}
	}
}
