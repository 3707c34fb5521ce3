package report

import "testing"

func TestMarkdownTextStaysText(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		{"ordinary text is not touched", "TLS 1.3 (mutual), 20 % of 5-7; a_b & c: d.", "TLS 1.3 (mutual), 20 % of 5-7; a_b &amp; c: d."},
		{"emphasis", "*a* _b_ ~~c~~ `d`", "\\*a\\* \\_b\\_ \\~\\~c\\~\\~ \\`d\\`"},
		{"links and images", "![x](y) [a](b)", `!\[x\](y) \[a\](b)`},
		{"HTML and entities", "<b>&lt;", "&lt;b&gt;&amp;lt;"},
		{"cells", "a | b", `a \| b`},
		{"addresses stay text", "see https://x.example and www.x.example", `see https\://x.example and www\.x.example`},
		{"nobody is called", "@team #12", "@&#8203;team #&#8203;12"},
		{"a heading", "# x", `\# x`},
		{"a list item", "- x", `\- x`},
		{"a numbered item", "12. x", `12\. x`},
		{"a rule", "---", `\---`},
		{"a negative number is no list", "-5 degrees", "-5 degrees"},
		{"formulas", "$x$", `\$x\$`},
		{"lines become one", "a\n# b", "a # b"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			if got := md(tt.in); got != tt.want {
				t.Errorf("md(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCodeHoldsItsBackticks(t *testing.T) {
	for in, want := range map[string]string{"abc": "`abc`", "a`b": "`` a`b ``", "a``b": "``` a``b ```", "": "", "a|b": "`a¦b`"} {
		if got := mdCode(in); got != want {
			t.Errorf("mdCode(%q) = %q, want %q", in, got, want)
		}
	}
}
