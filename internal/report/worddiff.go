package report

import "strings"

// piece is a run of words of two texts side by side: in both, or in one.
type piece struct {
	Text string
	// Only is true where the other text does not have the words.
	Only bool
}

// mostWords bounds the comparison, whose time grows with the square.
const mostWords = 600

// compare marks in two texts the words that the other one does not have, so
// that "is" and "is not" cannot be overlooked. Long texts are not compared.
func compare(before, after string) (a, b []piece) {
	x, y := strings.Fields(before), strings.Fields(after)
	if len(x) == 0 || len(y) == 0 || len(x) > mostWords || len(y) > mostWords {
		return whole(x), whole(y)
	}
	length := common(x, y)
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			a, b = add(a, x[i], false), add(b, y[j], false)
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && length[i+1][j] >= length[i][j+1]:
			a = add(a, x[i], true)
			i++
		default:
			b = add(b, y[j], true)
			j++
		}
	}
	return a, b
}

// common[i][j] is the length of the longest common subsequence of x[i:], y[j:].
func common(x, y []string) [][]int {
	length := make([][]int, len(x)+1)
	for i := range length {
		length[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	return length
}

func add(ps []piece, word string, only bool) []piece {
	if n := len(ps); n > 0 && ps[n-1].Only == only {
		ps[n-1].Text += " " + word
		return ps
	}
	return append(ps, piece{word, only})
}

func whole(words []string) []piece {
	if len(words) == 0 {
		return nil
	}
	return []piece{{Text: strings.Join(words, " ")}}
}
