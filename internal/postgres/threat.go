package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ThreatSort is an order of threats.
type ThreatSort string

// Orders of threats, each with ties by system and id.
const (
	SortRisk    ThreatSort = "risk"    // the highest first
	SortUpdated ThreatSort = "updated" // the newest first
	SortID      ThreatSort = "id"      // by system and id, ascending
)

// mostFound is how many threats a search by words considers, the best of them.
const mostFound = 10_000

// ThreatQuery selects threats of current models. Empty fields select all.
type ThreatQuery struct {
	System  uuid.UUID
	Status  []string
	Risk    []string
	STRIDE  []string
	CWE     []int
	Control string // catalog:id
	Verdict []string
	Source  []string
	Owner   string
	// Label is one of the system.
	Label string
	// Words of title, statement, element and quotes, as people type them.
	Words           string
	Open, ReviewDue *bool

	Sort ThreatSort
	// Reverse turns the order round.
	Reverse bool
	// After is where the page before ended; nil for the first page.
	After *ThreatCursor
	Limit int
}

// ThreatCursor is the place of a threat in an order.
type ThreatCursor struct {
	RiskRank  int16
	UpdatedAt time.Time
	System    uuid.UUID
	ID        string
}

// ThreatRow is a threat of a current model.
type ThreatRow struct {
	System    uuid.UUID
	ID        string
	Version   int64
	UpdatedAt time.Time
	RiskRank  int16
	// Content is a threatmodel.Threat.
	Content json.RawMessage
}

// Cursor is the threat's own place.
func (r *ThreatRow) Cursor() *ThreatCursor {
	return &ThreatCursor{r.RiskRank, r.UpdatedAt, r.System, r.ID}
}

// Threats lists threats.
func (tx *Tx) Threats(ctx context.Context, q ThreatQuery) ([]ThreatRow, error) {
	sql, args, err := q.sql(tx.Organization)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("listing threats: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ThreatRow])
	if err != nil {
		return nil, fmt.Errorf("listing threats: %w", err)
	}
	return out, nil
}

// conditions collects what a query asks, with its arguments.
type conditions struct {
	sql  []string
	args []any
}

// add appends a condition in which ? stands for the argument.
func (c *conditions) add(sql string, arg any) {
	c.args = append(c.args, arg)
	c.sql = append(c.sql, strings.ReplaceAll(sql, "?", fmt.Sprintf("$%d", len(c.args))))
}

// threatOrders are the columns of each order, and whether it descends. All
// columns go one way, so that an index gives the order and a cursor is one
// comparison.
var threatOrders = map[ThreatSort]struct {
	columns    string
	descending bool
}{
	SortRisk:    {"t.risk_rank, t.system_id, t.id", true},
	SortUpdated: {"t.updated_at, t.system_id, t.id", true},
	SortID:      {"t.system_id, t.id", false},
}

func (q *ThreatQuery) sql(organization uuid.UUID) (string, []any, error) {
	sort := q.Sort
	if sort == "" {
		sort = SortRisk
	}
	order, ok := threatOrders[sort]
	if !ok {
		return "", nil, fmt.Errorf("threats have no order %q", sort)
	}
	c := &conditions{}
	c.add("t.organization_id = ?", organization)
	q.filter(c)
	direction, comparison := " asc", " > "
	if order.descending != q.Reverse {
		direction, comparison = " desc", " < "
	}
	if q.After != nil {
		q.After.condition(c, sort, order.columns, comparison)
	}
	c.args = append(c.args, q.Limit)
	return fmt.Sprintf(`select t.system_id, t.id, t.version, t.updated_at, t.risk_rank, t.content from bartizan.threat t where %s order by %s limit $%d`,
		strings.Join(c.sql, " and "), strings.ReplaceAll(order.columns, ",", direction+",")+direction, len(c.args)), c.args, nil
}

// condition bounds the list to what comes after the cursor.
func (a *ThreatCursor) condition(c *conditions, sort ThreatSort, columns, comparison string) {
	var places []string
	for _, v := range map[ThreatSort][]any{
		SortRisk: {a.RiskRank, a.System, a.ID}, SortUpdated: {a.UpdatedAt, a.System, a.ID}, SortID: {a.System, a.ID},
	}[sort] {
		c.args = append(c.args, v)
		places = append(places, fmt.Sprintf("$%d", len(c.args)))
	}
	c.sql = append(c.sql, "("+columns+")"+comparison+"("+strings.Join(places, ", ")+")")
}

// filter adds the conditions of the fields that are set.
func (q *ThreatQuery) filter(c *conditions) {
	for _, f := range []struct {
		set bool
		sql string
		arg any
	}{
		{q.System != uuid.Nil, "t.system_id = ?", q.System},
		{len(q.Status) > 0, "t.status = any (?)", q.Status},
		{len(q.Risk) > 0, "t.risk = any (?)", q.Risk},
		{len(q.STRIDE) > 0, "t.stride && ?", q.STRIDE},
		{len(q.CWE) > 0, "t.cwe && ?::int[]", q.CWE},
		{q.Control != "", "t.controls @> array[?]::text[]", q.Control},
		{len(q.Verdict) > 0, "t.verdicts && ?", q.Verdict},
		{len(q.Source) > 0, "t.source = any (?)", q.Source},
		{q.Owner != "", "t.owner = ?", q.Owner},
		{q.Label != "", "t.system_id in (select s.id from bartizan.system s where s.organization_id = t.organization_id and s.labels @> array[?]::text[])", q.Label},
	} {
		if f.set {
			c.add(f.sql, f.arg)
		}
	}
	if q.Open != nil {
		c.add("t.open = ?", *q.Open)
	}
	if q.ReviewDue != nil && *q.ReviewDue {
		c.sql = append(c.sql, "t.review_due") // as its index says it
	} else if q.ReviewDue != nil {
		c.sql = append(c.sql, "not t.review_due")
	}
	if q.Words != "" {
		c.add("(t.system_id, t.id) in (select f.system_id, f.threat from bartizan.search_threats(?, null, "+fmt.Sprint(mostFound)+") f)", storable(q.Words))
	}
}
