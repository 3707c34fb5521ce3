package postgres_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// laidOut is a model as model.json has it.
func laidOut(t interface{ Fatal(...any) }, m *threatmodel.Model) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// modelWith draws a model with threats, whose texts try to look like the ends and
// beginnings of items.
func modelWith(t *rapid.T) *threatmodel.Model {
	text := rapid.SampledFrom([]string{"plain", "<a & b>", "\n    {\n      \"id\": \"T-1\",", "\n    }", "  ],\n", `"}`, "é\u2028", ""})
	m := &threatmodel.Model{SchemaVersion: "1.0", Elements: []threatmodel.Element{{ID: "E-1", Name: text.Draw(t, "element")}}}
	for i := range rapid.IntRange(1, 6).Draw(t, "threats") {
		x := threatmodel.Threat{ID: fmt.Sprintf("T-%d", i), Title: text.Draw(t, "title"), Statement: text.Draw(t, "statement")}
		if rapid.Bool().Draw(t, "evidence") {
			x.Evidence = []threatmodel.Evidence{{Quote: text.Draw(t, "quote")}, {Quote: "second"}}
		}
		m.Threats = append(m.Threats, x)
	}
	return m
}

// TestTextOfAModel: cut, an item found and replaced, it is what the whole model
// encodes to.
func TestTextOfAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := modelWith(t)
		raw := laidOut(t, m)
		text := postgres.CutModel(raw)
		if sum := sha256.Sum256(raw); !bytes.Equal(text.Bytes(), raw) || !bytes.Equal(text.Digest(), sum[:]) {
			t.Fatalf("cut, it reads\n%s", text.Bytes())
		}
		x := &m.Threats[rapid.IntRange(0, len(m.Threats)-1).Draw(t, "which")]
		var read threatmodel.Threat
		if err := json.Unmarshal(text.Item(x.ID), &read); err != nil || read.Title != x.Title || len(read.Evidence) != len(x.Evidence) {
			t.Fatalf("%s reads %+v, %v", x.ID, read, err)
		}
		x.Title, x.Owner = "another", &x.ID
		changed, err := text.Replace(x.ID, x)
		if err != nil || !bytes.Equal(changed.Bytes(), laidOut(t, m)) {
			t.Fatalf("replaced, it reads (%v)\n%s\nand should\n%s", err, changed.Bytes(), laidOut(t, m))
		}
		if !bytes.Equal(text.Bytes(), raw) {
			t.Fatal("the text before was changed")
		}
		if text.Item("T-none") != nil || text.Item("T-") != nil {
			t.Fatal("an item that is not there was found")
		}
	})
}

// TestVersionsAreStoredByWhatDiffers: each reads as it was put, whatever stands
// between it and one that is whole, and most take little room.
func TestVersionsAreStoredByWhatDiffers(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	m := &threatmodel.Model{SchemaVersion: "1.0"}
	for i := range 50 {
		m.Threats = append(m.Threats, threatmodel.Threat{ID: fmt.Sprintf("T-%03d", i), Title: fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)}))})
	}
	var want [][]byte
	text := postgres.CutModel(laidOut(t, m))
	var before *postgres.ModelText
	whole := 0
	const versions = 150
	for number := int64(1); number <= versions; number++ {
		s.as(org, func(tx *postgres.Tx) error {
			row, err := tx.PutModelText(t.Context(), query.InsertModelVersionParams{SystemID: system, Number: number, Cause: "decision", CreatedBy: "test"}, text, before)
			s.must(err)
			if sum := sha256.Sum256(text.Bytes()); !bytes.Equal(row.Digest, sum[:]) {
				t.Errorf("version %d has another digest", number)
			}
			if row.Base == nil {
				whole++
			} else if len(row.Content) > 800 {
				t.Errorf("version %d takes %d bytes for what differs", number, len(row.Content))
			}
			before, _, err = tx.ModelText(t.Context(), system, number)
			return err
		})
		want = append(want, text.Bytes())
		x := &m.Threats[int(number*7)%len(m.Threats)]
		x.Title += "!"
		if number == 70 { // an analysis: threats come and go
			m.Threats = append(m.Threats[:10], m.Threats[20:]...)
			text = postgres.CutModel(laidOut(t, m))
			continue
		}
		var err error
		text, err = before.Replace(x.ID, x)
		s.must(err)
	}
	if whole < 3 || whole > 5 {
		t.Errorf("%d of %d versions are stored whole", whole, versions)
	}
	s.as(org, func(tx *postgres.Tx) error {
		for i, raw := range want {
			got, row, err := tx.ModelText(t.Context(), system, int64(i+1))
			s.must(err)
			if row.Number != int64(i+1) || !bytes.Equal(got.Bytes(), raw) {
				t.Errorf("version %d (%d) does not read as it was put", i+1, row.Number)
			}
		}
		_, _, err := tx.ModelText(t.Context(), system, versions+1)
		if err == nil {
			t.Error("a version that is not there was read")
		}
		return nil
	})
}
