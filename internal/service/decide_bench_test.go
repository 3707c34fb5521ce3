package service_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// crowded gives a system a model of so many threats: those that the built-in analyst
// finds in the sample portal, each again and again under ids and words of its own.
func (b *bench) crowded(threats int) uuid.UUID {
	b.t.Helper()
	m := commandLine(b.t, portal, "Portal", nil)
	found := m.Threats
	m.Threats = nil
	for i := range threats {
		raw, err := json.Marshal(found[i%len(found)])
		b.must(err)
		var t threatmodel.Threat
		b.must(json.Unmarshal(raw, &t))
		sum := uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "%d", i))
		t.ID = "T-" + crockford(sum[:6])
		t.Title = fmt.Sprintf("%s (%x)", t.Title, sum[:4])
		t.Statement = strings.Replace(t.Statement, " ", fmt.Sprintf(" [%x] ", sum), 3)
		m.Threats = append(m.Threats, t)
	}
	fresh := b.system(resource.NewSystem{Name: "crowded"})
	_, err := b.Import(b.t.Context(), b.admin, fresh, resource.Import{Model: m})
	b.must(err)
	return fresh
}

func crockford(raw []byte) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var out strings.Builder
	for _, c := range raw {
		out.WriteByte(digits[c%32])
		out.WriteByte(digits[c/32])
	}
	return out.String()[:10]
}

// BenchmarkDecision tells what a decision costs in a model of 2,000 threats: time,
// and growth of the database.
func BenchmarkDecision(bb *testing.B) {
	b := newBench(bb, func(c *service.Config) { c.Log = nil })
	system := b.crowded(2000)
	m, _ := b.model(system)
	raw, err := service.ModelJSON(m)
	b.must(err)
	before := b.size()
	bb.ResetTimer()
	n := 0
	for bb.Loop() {
		_, err := b.Decide(bb.Context(), b.admin, system, m.Threats[(n*37)%len(m.Threats)].ID, resource.Decision{Action: "confirm", Reason: fmt.Sprintf("seen, %d", n)}, 0)
		b.must(err)
		n++
	}
	bb.StopTimer()
	bb.ReportMetric(float64(len(raw))/1e6, "MB/model")
	bb.ReportMetric(float64(b.size()-before)/1e3/float64(n), "kB/decision")
}

// size is that of all rows, in bytes.
func (b *bench) size() int64 {
	b.t.Helper()
	var n int64
	b.must(b.db.OwnerPool().QueryRow(b.t.Context(), `select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'bartizan' and c.relkind = 'r'`).Scan(&n))
	return n
}
