package diagram

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// show renders a diagram a line each: groups, nodes, edges, problems.
func show(d threatmodel.Diagram, problems []Problem, source string) []string {
	var lines []string
	in := func(group string) string {
		if group == "" {
			return ""
		}
		return " in " + group
	}
	for _, g := range d.Groups {
		lines = append(lines, fmt.Sprintf("group %s %q%s%s", g.ID, g.Name, technology(g), in(g.Group)))
	}
	kinds := map[threatmodel.Kind]string{threatmodel.Process: "process", threatmodel.DataStore: "store", threatmodel.ExternalEntity: "external"}
	for _, n := range d.Nodes {
		lines = append(lines, fmt.Sprintf("%s %s %q%s%s", kinds[n.Kind], n.ID, n.Name, technology(n), in(n.Group)))
	}
	for _, e := range d.Edges {
		arrow := "->"
		if e.Bidirectional {
			arrow = "<->"
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.From, arrow, e.To, e.Label)))
	}
	for _, p := range problems {
		lines = append(lines, fmt.Sprintf("line %d: %s", p.Line, p.Text))
	}
	return lines
}

func technology(n threatmodel.DiagramNode) string {
	if n.Technology == "" {
		return ""
	}
	return " [" + n.Technology + "]"
}

type readTest struct {
	name, source string
	want         []string
}

func runRead(t *testing.T, header string, tests []readTest) {
	t.Helper()
	runReadIn(t, "mermaid", header, tests)
}

func runReadIn(t *testing.T, language, header string, tests []readTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := header + tt.source
			d, problems := Read(language, source)
			if diff := cmp.Diff(tt.want, show(d, problems, source)); diff != "" {
				t.Errorf("Read(%q) (-want +got):\n%s", source, diff)
			}
		})
	}
}

func TestFlowchartNodes(t *testing.T) {
	runRead(t, "flowchart LR\n", []readTest{
		{"a bare name shows itself", "api", []string{`process api "api"`}},
		{"brackets hold the label", "a[Orders API]", []string{`process a "Orders API"`}},
		{"round, circles, hexagon, diamond, flag", "a(A 1)\nb((B 1))\nc(((C 1)))\nd{{D 1}}\ne{E 1?}\nf>F 1]", []string{
			`process a "A 1"`, `process b "B 1"`, `process c "C 1"`, `process d "D 1"`, `process e "E 1?"`, `process f "F 1"`,
		}},
		{"slanted shapes and subroutines", `a[/A 1/]` + "\n" + `b[\B 1\]` + "\n" + `c[/C 1\]` + "\n" + `d[\D 1/]` + "\ne[[E 1]]", []string{
			`process a "A 1"`, `process b "B 1"`, `process c "C 1"`, `process d "D 1"`, `process e "E 1"`,
		}},
		{"a cylinder is a store", "db[(Orders)]", []string{`store db "Orders"`}},
		{"a stadium is outside", "p([Payment provider])", []string{`external p "Payment provider"`}},
		{"a person is outside", "u[End users]\ns[User service]\na((Admin (on call)))", []string{
			`external u "End users"`, `process s "User service"`, `external a "Admin (on call)"`,
		}},
		{"a name of a store is one", "d[Orders DB]\ns[S3 bucket]\na[Database proxy]", []string{
			`store d "Orders DB"`, `store s "S3 bucket"`, `process a "Database proxy"`,
		}},
		{"an icon tells the kind and is not shown", "a[fa:fa-database Orders]\nb[fa:fa-user Ann]", []string{`store a "Orders"`, `external b "Ann"`}},
		{"the general form of a shape", `a@{ shape: cyl, label: "Orders, all" }` + "\nb@{ shape: rect }", []string{`store a "Orders, all"`, `process b "b"`}},
		{"a flag with a tag in it", "f>Long<br>text]", []string{`process f "Long text"`}},
		{"a click over lines", "a\nclick a \"https://x.example\" \"one\ntwo\"\nb", []string{`process a "a"`, `process b "b"`}},
		{"quotes protect brackets", `a["Gateway (edge) [v2]"]`, []string{`process a "Gateway (edge) [v2]"`}},
		{"brackets in a label that nobody quoted", "a[Gateway (edge)]\nb(Auth (OIDC))", []string{`process a "Gateway (edge)"`, `process b "Auth (OIDC)"`}},
		{"Markdown, HTML and codes of characters", "a[\"`**Web** app`\"]\nb[Web<br/>app]\nc[\"a #quot;b#quot; &amp; #35;1\"]", []string{
			`process a "Web app"`, `process b "Web app"`, `process c "a \"b\" & #1"`,
		}},
		{"a label over two lines", "a[\"Web\napp\"] --> b", []string{`process a "Web app"`, `process b "b"`, `a -> b`}},
		{"a class is no part of the name", "a:::hot --> b[B]:::cold", []string{`process a "a"`, `process b "B"`, `a -> b`}},
		{"a later label counts", "a --> b\nb[Billing]", []string{`process a "a"`, `process b "Billing"`, `a -> b`}},
		{"names with hyphens, dots and other letters", "web-app --> käse.v2", []string{`process web-app "web-app"`, `process käse.v2 "käse.v2"`, `web-app -> käse.v2`}},
		{"names beginning with a keyword", "endpoint --> classifier", []string{`process endpoint "endpoint"`, `process classifier "classifier"`, `endpoint -> classifier`}},
	})
}

func TestFlowchartLinks(t *testing.T) {
	ab := func(edges ...string) []string {
		return append([]string{`process A "A"`, `process B "B"`}, edges...)
	}
	var tests []readTest
	for _, arrow := range []string{"-->", "--->", "==>", "====>", "-.->", "-..->", "--x", "--o", "==x", "-.-x"} {
		tests = append(tests, readTest{"one way " + arrow, "A " + arrow + " B", ab("A -> B")})
	}
	for _, arrow := range []string{"<-->", "---", "----", "===", "-.-", "<==>", "<-.->", "o--o", "x--x"} {
		tests = append(tests, readTest{"no or both directions " + arrow, "A " + arrow + " B", ab("A <-> B")})
	}
	tests = append(tests, []readTest{
		{"backwards", "A <-- B", ab("B -> A")},
		{"without blanks", "A-->B", ab("A -> B")},
		{"invisible", "A ~~~ B", ab()},
		{"label between pipes", "A -->|mTLS, 443| B", ab("A -> B mTLS, 443")},
		{"label between pipes in quotes", `A -- >B` + "\n" + `A -->|"calls (gRPC)"|B`, []string{`process A "A"`, `process B "B"`, `A -> B calls (gRPC)`, `line 2: "A -- >B" is not understood`}},
		{"label inside", "A -- sends orders --> B", ab("A -> B sends orders")},
		{"label with a hyphen inside", "A -- pre-shared key --> B", ab("A -> B pre-shared key")},
		{"label that ends in o", "A -- foo--> B", ab("A -> B foo")},
		{"quoted label inside", `A -- "a --> b" --> B`, ab("A -> B a --> b")},
		{"label inside a thick arrow", "A == TLS ==> B", ab("A -> B TLS")},
		{"label inside a dotted arrow", "A -. v1.2 async .-> B", ab("A -> B v1.2 async")},
		{"label inside a line", "A -- reads --- B", ab("A <-> B reads")},
		{"the name of an arrow", "A e1@--> B\ne1@{ animate: true }", ab("A -> B")},
		{"the name of an arrow that was given none", "A --> B\nL_A_B_0@{ animation: fast }", ab("A -> B")},
		{"an arrow to itself is no flow", "A --> A\nB", ab()},
		{"an arrow on the next line", "A\n --> B", ab("A -> B")},
		{"a node x at the start of a line", "A\nx-->B", []string{`process A "A"`, `process x "x"`, `process B "B"`, "x -> B"}},
		{"a chain", "A --> B -- two --> C", []string{`process A "A"`, `process B "B"`, `process C "C"`, "A -> B", "B -> C two"}},
		{"all with all", "A & B --> C & D", []string{
			`process A "A"`, `process B "B"`, `process C "C"`, `process D "D"`, "A -> C", "A -> D", "B -> C", "B -> D",
		}},
		{"statements on one line", "A --> B; B --> A;", ab("A -> B", "B -> A")},
		{"comments", "A --> B %% trust me\n%% A --> C\n", ab("A -> B")},
	}...)
	runRead(t, "graph TD;\n", tests)
}

func TestFlowchartGroups(t *testing.T) {
	runRead(t, "", []readTest{
		{
			"groups nest, and hold what is mentioned in them first",
			"flowchart TB\nu --> gw\nsubgraph vpc [\"VPC (prod)\"]\n  direction LR\n  subgraph Private zone\n    db[(DB)]\n  end\n  gw[Gateway] --> db\nend\ngw --> x",
			[]string{
				`group vpc "VPC (prod)"`, `group Private zone "Private zone" in vpc`,
				`process u "u"`, `process gw "Gateway" in vpc`, `store db "DB" in Private zone`, `process x "x"`,
				"u -> gw", "gw -> db", "gw -> x",
			},
		},
		{
			"an arrow may lead to a group",
			"flowchart TB\nu --> dmz\nsubgraph dmz\n  a\nend",
			[]string{`group dmz "dmz"`, `process u "u"`, `process a "a" in dmz`, "u -> dmz"},
		},
		{
			"a quoted title",
			"graph LR\nsubgraph \"The edge\"\na\nend",
			[]string{`group The edge "The edge"`, `process a "a" in The edge`},
		},
		{
			"styles, classes, clicks and descriptions say nothing",
			"---\ntitle: T\n---\n%%{init: {'theme':'base'}}%%\n%% c\nflowchart TD\naccTitle: x\naccDescr {\n a --> q\n}\nclassDef hot fill:#f00,stroke:#333;\nclass a,b hot\nstyle a fill:#fff\nclick a href \"https://x.example\" \"t\"\nlinkStyle 0 stroke:red\na --> b",
			[]string{`process a "a"`, `process b "b"`, "a -> b"},
		},
		{
			"settings may be indented as all of it is",
			"\n    ---\n    title: T\n    config:\n      layout: elk\n    ---\n    flowchart LR\n    a --> b\n",
			[]string{`process a "a"`, `process b "b"`, "a -> b"},
		},
		{
			"what is not understood is told, and the rest is read",
			"flowchart LR\na --> b\n@@ nonsense\nb --> c[open\nc --> d\nend",
			[]string{
				`process a "a"`, `process b "b"`, `process c "c"`, `process d "d"`, "a -> b", "b -> c", "c -> d",
				`line 3: "@@ nonsense" is not understood`, `line 4: "b --> c[open" is not understood`, `line 6: "end" is not understood`,
			},
		},
		{
			"another type is kept as text",
			"%% c\nerDiagram\nA ||--o{ B : has",
			[]string{`line 2: a diagram of the type "erDiagram" is kept as text; its elements are not read`},
		},
	})
}

func TestSequence(t *testing.T) {
	runRead(t, "sequenceDiagram\n", []readTest{
		{
			"participants, actors and names to show",
			"participant api as Orders API\nactor A as Ann<br/>Lee\nparticipant DB@{ \"type\": \"database\" }\nA->>api: GET /orders\napi->>DB: select",
			[]string{`process api "Orders API"`, `external A "Ann Lee"`, `store DB "DB"`, "A -> api GET /orders", "api -> DB select"},
		},
		{
			"all arrows",
			"A->B: 1\nA-->B: 2\nA->>B: 3\nA-->>B: 4\nA-xB: 5\nA--xB: 6\nA-)B: 7\nA--)B: 8\nA<<->>B: 9\nA<<-->>B: 10\nA-|\\B: 11\nA//-B: 12",
			[]string{
				`process A "A"`, `process B "B"`,
				"A -> B 1", "A -> B 2", "A -> B 3", "A -> B 4", "A -> B 5", "A -> B 6", "A -> B 7", "A -> B 8",
				"A <-> B 9", "A <-> B 10", "A -> B 11", "B -> A 12",
			},
		},
		{
			"names with blanks and hyphens, also such as look like arrows",
			"participant web-xapi\nweb-xapi->>Token service: ask",
			[]string{`process web-xapi "web-xapi"`, `process Token service "Token service"`, "web-xapi -> Token service ask"},
		},
		{
			"activation and central lines are looks",
			"A->>+B: in\nB-->>-A: out\nA->>()B: x\nactivate A\ndeactivate A\nautonumber 10 5",
			[]string{`process A "A"`, `process B "B"`, "A -> B in", "B -> A out", "A -> B x"},
		},
		{
			"boxes are groups",
			"box Purple Private zone\nparticipant A\nend\nbox rgb(1,2,3)\nparticipant B\nend\nbox Greenfield site\nparticipant C\nend\nA->>B: x",
			[]string{
				`group box1 "Private zone"`, `group box2 "Box 2"`, `group box3 "Greenfield site"`,
				`process A "A" in box1`, `process B "B" in box2`, `process C "C" in box3`, "A -> B x",
			},
		},
		{
			"fragments and notes say when, not what",
			"alt token -> valid\nA->>B: x\nelse not\nloop every: day\nB->>C: y\nend\nend\nNote over A,B: A->>Z: no\nnote right of A\nA->>Q: no\nend note\nrect rgb(0,0,0)\nopt z\nend\nend",
			[]string{`process A "A"`, `process B "B"`, `process C "C"`, "A -> B x", "B -> C y"},
		},
		{
			"create, destroy, comments, several on a line",
			"create participant W as Worker\nA->>W: go; W->>A: done %% no\ndestroy W",
			[]string{`process W "Worker"`, `process A "A"`, "A -> W go", "W -> A done"},
		},
		{
			"a message to oneself is no flow",
			"A->>A: think",
			[]string{`process A "A"`},
		},
		{
			"what is not understood is told",
			"A->>B: x\nnonsense here\nend",
			[]string{
				`process A "A"`, `process B "B"`, "A -> B x",
				`line 3: "nonsense here" is not understood`, `line 4: "end" is not understood`,
			},
		},
	})
}

// stating are the lines of a diagram's source that state something.
func stating(d threatmodel.Diagram, source string) []string {
	var lines []string
	for _, start := range d.Lines {
		lines = append(lines, strings.TrimSpace(source[start:start+lineLength(source[start:])]))
	}
	return lines
}

func TestLinesThatAreSyntaxAloneStateNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		source string
		want   []string
	}{
		"flowchart": {
			"---\ntitle: x\n---\nflowchart LR\n  %% c\n  subgraph vpc [VPC]\n    direction TB\n    api\n    b[\"Orders\nAPI\"]\n  end\n  classDef hot fill:#f00\n  class api hot\n  u --> api; api --> b\n  click api href \"https://x.example\"\n  ?? unclear\n  accTitle: Orders",
			[]string{"subgraph vpc [VPC]", "api", `b["Orders`, "u --> api; api --> b", "?? unclear", "accTitle: Orders"},
		},
		"sequence": {
			"sequenceDiagram\n  autonumber\n  title Sign-in\n  participant A\n  box rgb(1,2,3)\n  actor B\n  end\n  B->>+A: in\n  alt the token is valid\n  A-->>-B: ok\n  else\n  A->>A: log\n  end\n  Note over A: keeps no state\n  note right of B\n   types a code\n  end note\n  rect rgb(0,0,0)\n  end",
			[]string{"title Sign-in", "participant A", "box rgb(1,2,3)", "actor B", "B->>+A: in", "alt the token is valid", "A-->>-B: ok", "A->>A: log", "Note over A: keeps no state", "types a code"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := Read("mermaid", tt.source)
			if diff := cmp.Diff(tt.want, stating(d, tt.source)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOffsetsAreThoseOfTheDeclaringLine(t *testing.T) {
	source := "flowchart LR\n  a --> b\n  subgraph z\n    b[Billing]\n  end\n  a\n    -->|x| c\n"
	d, _ := Read("mermaid", source)
	got := map[string]string{}
	for _, n := range append(d.Nodes, d.Groups...) {
		got[n.ID] = source[n.Start:n.End]
	}
	for _, e := range d.Edges {
		got[e.From+e.To] = source[e.Start:e.End]
	}
	want := map[string]string{"a": "a --> b", "b": "b[Billing]", "z": "subgraph z", "c": "-->|x| c", "ab": "a --> b", "ac": "-->|x| c"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyArrowsOfOneLineAreBounded(t *testing.T) {
	many := strings.Repeat("a & b & c & d & e & f & g & h & i & j & ", 20) + "k"
	for i := range 10 {
		many = strings.Replace(many, "a", fmt.Sprintf("n%d", i), 1)
	}
	d, problems := Read("mermaid", "graph LR\n"+many+" --> "+many)
	if len(d.Edges) > maxEdges || len(problems) != 1 {
		t.Errorf("%d edges, problems %v", len(d.Edges), problems)
	}
}
