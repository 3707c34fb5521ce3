package block_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestAFoldedTextHasItsWordsWithOneSpaceBetweenThem(t *testing.T) {
	piece := rapid.OneOf(rapid.SampledFrom([]string{" ", "  ", "\n", "\t", "a", "word", "é", "\u00a0", "\u0085", "\u2003", "\x7f", "\x1f", "\xff", "\x00"}), rapid.StringN(0, 3, -1))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "")
		if got, want := block.Fold(text), strings.Join(strings.Fields(text), " "); got != want {
			t.Fatalf("%q is folded to %q, want %q", text, got, want)
		}
	})
}

func TestBlocksAreNumberedFromOneAlsoBeyondTheIDsThatAreMadeAhead(t *testing.T) {
	var b block.Builder
	for range 1200 {
		b.Add(threatmodel.Block{Kind: threatmodel.BlockParagraph}, "x")
	}
	blocks := b.Source(threatmodel.Document{}).Blocks
	for i, want := range map[int]string{0: "b1", 999: "b1000", 1000: "b1001", 1199: "b1200"} {
		if blocks[i].ID != want {
			t.Errorf("block %d has the id %s, want %s", i, blocks[i].ID, want)
		}
	}
}

func TestBlocksWrittenOverThoseOfAnotherDocumentHoldNothingOfIt(t *testing.T) {
	write := func(over []threatmodel.Block) threatmodel.Source {
		var b block.Builder
		b.Reuse(over)
		b.Add(threatmodel.Block{Kind: threatmodel.BlockHeading, Level: 1}, "Gateway")
		b.Add(threatmodel.Block{Kind: threatmodel.BlockParagraph}, "It checks tokens.")
		return b.Source(threatmodel.Document{})
	}
	old := make([]threatmodel.Block, 3)
	for i := range old {
		old[i] = threatmodel.Block{ID: "old", Level: 5, Cells: []string{"old"}, Header: true, Group: 7, Language: "old", Joins: true}
	}
	fresh, over := write(nil), write(old)
	if len(over.Blocks) != len(fresh.Blocks) || &over.Blocks[0] != &old[0] {
		t.Fatalf("%d blocks, want %d in the memory given", len(over.Blocks), len(fresh.Blocks))
	}
	for i := range fresh.Blocks {
		if got, want := over.Blocks[i], fresh.Blocks[i]; got.ID != want.ID || got.Level != want.Level || got.Cells != nil || got.Header || got.Group != 0 || got.Language != "" || got.Joins {
			t.Errorf("block %d is %+v, want %+v", i, got, want)
		}
	}
}
