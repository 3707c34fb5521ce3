package diagram

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
)

// gliffyOf writes a drawing of Gliffy of one page.
func gliffyOf(objects ...string) string {
	return `{"contentType":"application/gliffy+json","version":"1.3","stage":{"objects":[` + strings.Join(objects, ",") + `],"layers":[{"guid":"L","name":"Base","visible":true},{"guid":"H","name":"Ideas","visible":false}]}}`
}

// gliffyShape is a shape of a kind, with its label, place and order.
func gliffyShape(id int, uid, label string, order int, at ...int) string {
	return fmt.Sprintf(`{"id":%d,"uid":%q,"layerId":"L","x":%d,"y":%d,"width":%d,"height":%d,"order":%d,"graphic":{"type":"Shape","Shape":{"tid":"com.gliffy.stencil.rectangle.basic_v1"}},"children":[`+
		`{"id":%d,"uid":null,"layerId":"L","x":2,"y":0,"width":10,"height":14,"order":"auto","graphic":{"type":"Text","Text":{"html":%q,"valign":"middle"}}}]}`,
		id, uid, at[0], at[1], at[2], at[3], order, id+1000, label)
}

func gliffyLine(id, from, to, start, end int, label string) string {
	return fmt.Sprintf(`{"id":%d,"uid":"com.gliffy.shape.basic.basic_v1.default.line","layerId":"L","order":99,"graphic":{"type":"Line","Line":{"startArrow":%d,"endArrow":%d,"controlPath":[[0,0],[9,9]]}},`+
		`"constraints":{"startConstraint":{"StartPositionConstraint":{"nodeId":%d}},"endConstraint":{"EndPositionConstraint":{"nodeId":%d}}},"children":[{"graphic":{"type":"Text","Text":{"html":%q}}}]}`,
		id, start, end, from, to, label)
}

const rectangle = "com.gliffy.shape.basic.basic_v1.default.rectangle"

func TestGliffy(t *testing.T) {
	for _, tt := range []struct {
		name    string
		objects []string
		text    []string
	}{
		{
			"shapes, their labels and arrows",
			[]string{
				gliffyShape(1, rectangle, `<p><span style="x">Web <b>app</b></span></p>`, 1, 0, 0, 80, 40),
				gliffyShape(2, "com.gliffy.shape.flowchart.flowchart_v1.default.database", "Orders", 2, 200, 0, 80, 40),
				gliffyLine(3, 1, 2, 0, 1, "SQL"), gliffyLine(4, 1, 2, 1, 0, ""), gliffyLine(5, 1, 2, 1, 1, "both"), gliffyLine(6, 1, 2, 5, 0, "none"),
			},
			[]string{"Web app", "Orders", "Web app -> Orders: SQL", "Orders -> Web app", "Web app <-> Orders: both", "Web app <-> Orders: none"},
		},
		{
			"what lies in a shape stands in a boundary, by the order of drawing and not of the file",
			[]string{
				gliffyShape(1, rectangle, "A", 5, 20, 40, 80, 40), gliffyShape(2, rectangle, "B", 6, 120, 40, 80, 40),
				gliffyShape(3, "gshape.azure_v2.integration.Azure_Service_Bus", "Bus", 4, 300, 40, 60, 60), gliffyShape(4, rectangle, "Cloud", 1, 0, 0, 240, 120),
			},
			[]string{"Cloud:", "  A", "  B", "Bus [Azure Service Bus]"},
		},
		{
			"a lane with a title is a boundary, one without is none",
			[]string{
				`{"id":7,"uid":"com.gliffy.shape.swimlanes.swimlanes_v1.default.vertical_single_lane_pool","layerId":"L","x":0,"y":0,"width":200,"height":200,"order":0,"graphic":null,"children":[` +
					gliffyShape(8, "", "Service app", 2, 0, 0, 200, 26) + "," + gliffyShape(9, "", "&nbsp;", 4, 0, 26, 200, 174) + `]}`,
				gliffyShape(1, rectangle, "A", 5, 20, 60, 80, 40), gliffyShape(2, rectangle, "B", 6, 400, 60, 80, 40), gliffyLine(3, 8, 2, 0, 2, ""),
			},
			[]string{"Service app:", "  A", "B", "Service app -> B"},
		},
		{
			"a group is not seen; a line to it ends at the largest of what it holds",
			[]string{
				`{"id":7,"uid":"com.gliffy.shape.basic.basic_v1.default.group","layerId":"L","x":100,"y":100,"width":200,"height":40,"order":0,"children":[` +
					gliffyShape(1, rectangle, "Mark", 2, 90, 0, 30, 30) + "," + gliffyShape(2, rectangle, "Engine", 1, 0, 0, 80, 40) + `]}`,
				gliffyShape(3, rectangle, "B", 2, 400, 100, 80, 40), gliffyLine(4, 3, 7, 0, 1, ""),
			},
			[]string{"Engine", "Mark", "B", "B -> Engine"},
		},
		{
			"a shape that is made of several is one, named by the uppermost text",
			[]string{
				`{"id":7,"uid":"com.gliffy.shape.uml.uml_v2.class.class","layerId":"L","x":0,"y":0,"width":90,"height":90,"order":0,"children":[` +
					gliffyShape(8, "", "id: int", 2, 0, 30, 90, 30) + "," + gliffyShape(9, "", "Order", 1, 0, 0, 90, 30) + `]}`,
				gliffyShape(3, rectangle, "B", 2, 400, 0, 80, 40), gliffyLine(4, 3, 9, 0, 1, ""),
			},
			[]string{"Order: id: int", "B", "B -> Order"},
		},
		{
			"what no layer shows is not read",
			[]string{gliffyShape(1, rectangle, "A", 5, 20, 60, 80, 40), strings.ReplaceAll(gliffyShape(2, rectangle, "B", 6, 400, 60, 80, 40), `"L"`, `"H"`)},
			[]string{"A"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := sheetOf(t, gliffyOf(tt.objects...))
			if diff := cmp.Diff(strings.Join(tt.text, "\n"), s.Text); diff != "" || s.Language != "gliffy" || s.Diagram.Language != "gliffy" {
				t.Errorf("in %s (-want +got):\n%s", s.Language, diff)
			}
			checkSheet(t, s)
		})
	}
}

func TestGliffyOfSeveralPages(t *testing.T) {
	data := `{"contentType":"application/gliffy+json","pages":[{"title":"One","scene":{"objects":[` + gliffyShape(1, rectangle, "A", 1, 0, 0, 80, 40) + `]}},{"title":"Two","scene":{"objects":[]}}]}`
	sheets, err := ReadDrawing([]byte(data), mxfile.Limits{})
	if err != nil || len(sheets) != 2 || sheets[0].Name != "One" || sheets[0].Text != "A" || sheets[1].Text != "" {
		t.Errorf("%+v, %v", sheets, err)
	}
}

func TestGliffyLimits(t *testing.T) {
	deep := strings.Repeat(`{"uid":"x.group","children":[`, 60) + `{}` + strings.Repeat(`]}`, 60)
	for name, data := range map[string]string{
		"bytes": gliffyOf(gliffyShape(1, rectangle, strings.Repeat("x", 2000), 1, 0, 0, 9, 9)),
		"cells": gliffyOf(strings.Repeat(`{"graphic":{"type":"Text"}},`, 20) + `{}`),
		"depth": gliffyOf(deep),
	} {
		limits := mxfile.Limits{Cells: 10, Depth: 20, Bytes: 1 << 20}
		if name == "bytes" {
			limits.Bytes = 1000
		}
		if _, err := ReadDrawing([]byte(data), limits); !mxfile.IsLimit(err) {
			t.Errorf("%s: %v, want an error about a limit", name, err)
		}
	}
	if _, err := ReadDrawing([]byte(`{"stage":{"objects":[]}}`), mxfile.Limits{}); !errors.Is(err, mxfile.ErrNotDrawing) {
		t.Errorf("another JSON: %v, want %v", err, mxfile.ErrNotDrawing)
	}
}

func FuzzGliffy(f *testing.F) {
	f.Add(gliffyOf(gliffyShape(1, rectangle, "<p>A</p>", 1, 0, 0, 80, 40), gliffyShape(2, "com.gliffy.shape.aws.aws_v3.S3", "", 2, 9, 9, 9, 9), gliffyLine(3, 1, 2, 1, 9, "x")))
	f.Add(gliffyOf(`{"id":7,"uid":"a.swimlanes.b","children":[{"id":8,"graphic":{"type":"Shape"},"children":[{"graphic":{"type":"Text","Text":{"html":"P"}}}]}]},{"id":"8","uid":"x.group","children":[{"id":9}]}`))
	f.Add(`{"contentType":"application/gliffy+json","pages":[{"title":"x","scene":{"objects":[{"order":"auto","x":"1e999","graphic":{"type":"Svg"}}]}}]}`)
	f.Fuzz(func(t *testing.T, data string) {
		sheets, _ := ReadDrawing([]byte(data), mxfile.Limits{Bytes: 1 << 20, Cells: 500})
		for _, s := range sheets {
			checkDiagram(t, s.Diagram, s.Text)
			checkSheet(t, s)
		}
	})
}
