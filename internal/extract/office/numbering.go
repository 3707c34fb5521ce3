package office

import (
	"strconv"
	"strings"
)

// maxLevels is how many levels a list has.
const maxLevels = 9

// level is how a level of a list is numbered.
type level struct {
	format, text string
	start        int
	// restart is the level, from 1, after which counting begins anew; 0 for
	// never, -1 for any level above.
	restart int
	// legal shows all numbers as digits.
	legal bool
	// style is the id of the paragraph style that stands for the level.
	style string
}

// definition is a list as it is designed.
type definition struct {
	levels [maxLevels]level
	// linked is the id of a style that names the list instead.
	linked string
}

// instance is a list of the document that follows a definition.
type instance struct {
	definition string
	overrides  map[int]level
	// starts are the numbers at which levels begin anew in this list.
	starts map[int]int
	used   bool
}

// lists number the items of all lists.
type lists struct {
	definitions map[string]*definition
	instances   map[string]*instance
	styles      styles
	// counters hold the last number by definition and level; lists that
	// follow one definition count on.
	counters map[string]*[maxLevels]int
}

func readLists(root *node, st styles) *lists {
	l := &lists{
		definitions: map[string]*definition{}, instances: map[string]*instance{},
		styles: st, counters: map[string]*[maxLevels]int{},
	}
	root.each("w:abstractNum", func(n *node) {
		d := &definition{linked: n.val("w:numStyleLink")}
		for i := range d.levels {
			d.levels[i] = level{format: "decimal", start: 1, restart: -1}
		}
		n.each("w:lvl", func(k *node) {
			if i, ok := levelIndex(k); ok {
				d.levels[i] = readLevel(k)
			}
		})
		l.definitions[n.attr("w:abstractNumId")] = d
	})
	root.each("w:num", func(n *node) { l.instances[n.attr("w:numId")] = readInstance(n) })
	return l
}

func levelIndex(n *node) (int, bool) {
	i, err := strconv.Atoi(n.attr("w:ilvl"))
	return i, err == nil && i >= 0 && i < maxLevels
}

func readLevel(n *node) level {
	v := level{
		format: n.val("w:numFmt"), text: n.val("w:lvlText"), start: number(n.val("w:start"), 1),
		restart: number(n.val("w:lvlRestart"), -1), legal: n.on("w:isLgl"), style: n.val("w:pStyle"),
	}
	if v.format == "" { // a newer kind with an older one for older programs
		n.each("w:numFmt", func(k *node) { v.format = k.attr("w:val") })
	}
	return v
}

func readInstance(n *node) *instance {
	in := &instance{definition: n.val("w:abstractNumId"), overrides: map[int]level{}, starts: map[int]int{}}
	n.each("w:lvlOverride", func(k *node) {
		i, ok := levelIndex(k)
		if !ok {
			return
		}
		if lvl := k.child("w:lvl"); lvl != nil {
			in.overrides[i] = readLevel(lvl)
		}
		if s := k.child("w:startOverride"); s != nil {
			in.starts[i] = number(s.attr("w:val"), 1)
		}
	})
	return in
}

func number(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < -1 || n > 1<<30 {
		return otherwise
	}
	return n
}

// find is the list of an id and the definition that it follows, also through
// a style.
func (l *lists) find(id string) (*instance, string, *definition) {
	in := l.instances[id]
	if in == nil {
		return nil, "", nil
	}
	key := in.definition
	d := l.definitions[key]
	if d != nil && d.linked != "" {
		if other := l.instances[l.styles.byID["numbering "+d.linked].numbering.id]; other != nil {
			key = other.definition
			d = l.definitions[key]
		}
	}
	return in, key, d
}

// levelOf is the level of a list that a paragraph style stands for.
func (l *lists) levelOf(id, styleID string) (int, bool) {
	_, _, d := l.find(id)
	if d == nil || styleID == "" {
		return 0, false
	}
	for i := range d.levels {
		if d.levels[i].style == styleID {
			return i, true
		}
	}
	return 0, false
}

// maxMarker is the longest number that is printed, in bytes.
const maxMarker = 40

// next counts an item and returns what is printed before it: "- " for a
// bullet, "1.2 " for a number. It reports false where there is no such list.
func (l *lists) next(n numbering) (string, bool) {
	in, key, d := l.find(n.id)
	if d == nil {
		return "", false
	}
	count := l.counters[key]
	if count == nil {
		count = &[maxLevels]int{}
		for i := range count {
			count[i] = d.level(in, i).start - 1
		}
		l.counters[key] = count
	}
	if !in.used {
		in.used = true
		for i, start := range in.starts {
			count[i] = start - 1
		}
	}
	count[n.level]++
	for i := n.level + 1; i < maxLevels; i++ {
		lvl := d.level(in, i)
		if lvl.restart < 0 || lvl.restart > n.level {
			count[i] = lvl.begin(in, i) - 1
		}
	}
	return d.print(in, n.level, count), true
}

func (v level) begin(in *instance, i int) int {
	if start, ok := in.starts[i]; ok {
		return start
	}
	return v.start
}

func (d *definition) level(in *instance, i int) level {
	if v, ok := in.overrides[i]; ok {
		return v
	}
	return d.levels[i]
}

// print is the number of an item as it is shown.
func (d *definition) print(in *instance, at int, count *[maxLevels]int) string {
	v := d.level(in, at)
	switch {
	case v.format == "bullet":
		return "- "
	case v.format == "none" && !strings.Contains(v.text, "%"):
		return strings.TrimLeft(v.text+" ", " ")
	}
	var b strings.Builder
	for i := 0; i < len(v.text) && b.Len() < maxMarker; i++ {
		c := v.text[i]
		if c != '%' || i+1 == len(v.text) || v.text[i+1] < '1' || v.text[i+1] > '9' {
			b.WriteByte(c)
			continue
		}
		i++
		other := int(v.text[i] - '1')
		format := d.level(in, other).format
		if v.legal {
			format = "decimal"
		}
		b.WriteString(printNumber(format, max(count[other], d.level(in, other).begin(in, other))))
	}
	text := strings.Join(strings.Fields(strings.ToValidUTF8(b.String(), "")), " ")
	if text == "" {
		return ""
	}
	return text + " "
}

func printNumber(format string, n int) string {
	switch format {
	case "lowerLetter":
		return letters(n, 'a')
	case "upperLetter":
		return letters(n, 'A')
	case "lowerRoman":
		return strings.ToLower(roman(n))
	case "upperRoman":
		return roman(n)
	case "decimalZero":
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
	case "none", "bullet":
		return ""
	}
	return strconv.Itoa(n)
}

// letters counts a, b, ... z, aa, bb, as Word does.
func letters(n int, first byte) string {
	if n < 1 || n > 26*5 {
		return strconv.Itoa(n)
	}
	return strings.Repeat(string(first+byte((n-1)%26)), (n-1)/26+1)
}

func roman(n int) string {
	if n < 1 || n > 3999 {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	for _, r := range []struct {
		value int
		sign  string
	}{
		{1000, "M"},
		{900, "CM"},
		{500, "D"},
		{400, "CD"},
		{100, "C"},
		{90, "XC"},
		{50, "L"},
		{40, "XL"},
		{10, "X"},
		{9, "IX"},
		{5, "V"},
		{4, "IV"},
		{1, "I"},
	} {
		for n >= r.value {
			b.WriteString(r.sign)
			n -= r.value
		}
	}
	return b.String()
}
