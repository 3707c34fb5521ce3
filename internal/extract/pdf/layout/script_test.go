package layout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// visual sets a line as it stands, from left to right, a run for each letter in
// the order that is given.
func visual(x, baseline float64, text string, order func([]layout.Run)) []layout.Run {
	var runs []layout.Run
	for _, c := range text {
		if c != ' ' {
			runs = append(runs, set(regular, 10, x, baseline, string(c)))
		}
		x += 5
	}
	order(runs)
	return runs
}

func TestTextFromRightToLeftIsReadFromTheRight(t *testing.T) {
	asDrawn := func([]layout.Run) {}
	mixed := func(runs []layout.Run) {
		for i := 0; i+3 < len(runs); i += 3 {
			slices.Reverse(runs[i : i+3])
		}
	}
	tests := map[string]struct{ stands, want string }{
		"words":                        {"םולש רעש", "שער שלום"},
		"Arabic":                       {"نيزخت مث", "ثم تخزين"},
		"a name and a number between":  {"2026 ךרעב API Gateway לא חלשנ", "נשלח אל API Gateway בערך 2026"},
		"a word in a text of Latin":    {"The word םולש means peace", "The word שלום means peace"},
		"a figure with its full stops": {"10.5 ריחמ", "מחיר 10.5"},
	}
	for name, tt := range tests {
		for how, order := range map[string]func([]layout.Run){"as it stands": asDrawn, "from the right": slices.Reverse[[]layout.Run], "in pieces": mixed} {
			t.Run(name+" "+how, func(t *testing.T) {
				src := read(t, layout.Page{Width: 400, Height: 600, Runs: visual(60, 100, tt.stands, order)})
				if src.Body != tt.want {
					t.Errorf("text %q, want %q", src.Body, tt.want)
				}
			})
		}
	}
}

func TestLinesOfAScriptWithoutSpacesJoin(t *testing.T) {
	src := read(t, page(100, "网关接收用户的请求并将数据存储在数据库中", "任何有权访问数据库的人都可以读取它们"))
	if d := cmp.Diff("网关接收用户的请求并将数据存储在数据库中任何有权访问数据库的人都可以读取它们", src.Body); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestADigitThatIsRaisedIsNoPartOfTheWord(t *testing.T) {
	for text, want := range map[string]string{"It happens locally": "It happens locally¹²", "It is 83,190": "It is 83,190¹²"} {
		p := page(100, text)
		end := 50 + 5*float64(len(text))
		p.Runs = append(p.Runs, set(regular, 6, end, 96, "12"))
		if src := read(t, p); strings.TrimSpace(src.Body) != want {
			t.Errorf("text %q, want %q", src.Body, want)
		}
	}
}
