package plain

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func show(b threatmodel.Block) string {
	return fmt.Sprintf("%s %d g%d @%d-%d %q", b.Kind, b.Level, b.Group, *b.Locator.LineStart, *b.Locator.LineEnd, b.Text)
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{
			"blank lines part paragraphs",
			"One\ntwo.\n\n  Three.\n",
			[]string{`paragraph 0 g0 @1-2 "One\ntwo."`, `paragraph 0 g0 @4-4 "Three."`},
		},
		{
			"underlined, numbered and capital lines are headings",
			"Plan\n====\n\nScope\n-----\nText.\n\n2.1 Keys\n\nText.\n\nOPEN POINTS\n\nText.\n",
			[]string{
				`heading 1 g0 @1-1 "Plan"`, `heading 2 g0 @4-4 "Scope"`, `paragraph 0 g0 @6-6 "Text."`,
				`heading 2 g0 @8-8 "2.1 Keys"`, `paragraph 0 g0 @10-10 "Text."`, `heading 1 g0 @12-12 "OPEN POINTS"`,
				`paragraph 0 g0 @14-14 "Text."`,
			},
		},
		{
			"lists with depth and more paragraphs",
			"Uses:\n- one\n  goes on\n  - two\n* three\n\n  more\n\n- four\n\nEnd.\n",
			[]string{
				`paragraph 0 g0 @1-1 "Uses:"`, `list_item 1 g1 @2-3 "one\ngoes on"`, `list_item 2 g1 @4-4 "two"`,
				`list_item 1 g1 @5-5 "three"`, `paragraph 0 g1 @7-7 "more"`, `list_item 1 g1 @9-9 "four"`,
				`paragraph 0 g0 @11-11 "End."`,
			},
		},
		{
			"numbered lists",
			"1. First thing.\n2. Second thing.\n\n3. Third\n",
			[]string{`list_item 1 g1 @1-1 "First thing."`, `list_item 1 g1 @2-2 "Second thing."`, `list_item 1 g1 @4-4 "Third"`},
		},
		{
			"drawings keep their blanks",
			"  +----+     +----+\n  | A  |---->| B  |\n  +----+     +----+\n",
			[]string{`code 0 g0 @1-3 "  +----+     +----+\n  | A  |---->| B  |\n  +----+     +----+"`},
		},
		{
			"a diagram as a whole",
			"\n%% zones\ngraph LR\n  a --> b\n",
			[]string{`diagram 0 g0 @2-4 "%% zones\ngraph LR\n  a --> b"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Read(threatmodel.Document{}, tt.text)
			if err := sourcetest.Check(s, strings.Count(tt.text, "\n")+1); err != nil {
				t.Error(err)
			}
			var got []string
			for _, b := range s.Blocks {
				got = append(got, show(b))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"zero bytes":  "abc\x00def",
		"noise":       "\x01\x02\x03\x8f\x9d\xfe\x81\x05\x06",
		"UTF-32":      "\xff\xfe\x00\x00a\x00\x00\x00",
		"old letters": "\x81\x8d\x8f\x90\x9d\xb2\xb3\xb5",
	} {
		if _, err := Decode([]byte(data)); !errors.Is(err, ErrBinary) {
			t.Errorf("%s: %v, want ErrBinary", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("A\n==\n\n1. x\n  - y\n\n+--+\n|a |\n")
	f.Fuzz(func(t *testing.T, data string) {
		text, err := Decode([]byte(data))
		if err != nil {
			return
		}
		s := Read(threatmodel.Document{}, text.Content)
		if err := sourcetest.Check(s, strings.Count(text.Content, "\n")+1); err != nil {
			t.Fatal(err)
		}
	})
}
