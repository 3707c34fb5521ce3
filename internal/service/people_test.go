package service_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// actor makes a token, and gives its bearer.
func (b *bench) actor(in resource.NewToken) service.Actor {
	b.t.Helper()
	token, err := b.CreateToken(b.t.Context(), b.admin, in)
	b.must(err)
	a, err := b.Authenticate(b.t.Context(), token.Secret)
	b.must(err)
	return a
}

func all() []resource.Scope {
	return []resource.Scope{resource.ScopeRead, resource.ScopeWrite, resource.ScopeDecide, resource.ScopeAdmin}
}

// TestATokenOpensWhatItSays, until it ends.
func TestATokenOpensWhatItSays(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	token, err := b.CreateToken(ctx, b.admin, resource.NewToken{Name: "ci", Scopes: []resource.Scope{resource.ScopeWrite}})
	b.must(err)
	if !strings.HasPrefix(token.Secret, "btz_") || len(token.Secret) != 47 || !strings.HasSuffix(token.Secret, token.Hint) {
		t.Fatalf("the token is %+v", token)
	}
	for name, secret := range map[string]string{"none": "", "another": "btz_" + strings.Repeat("A", 43), "cut": token.Secret[:40], "spoilt": token.Secret[:46] + "~"} {
		_, err := b.Authenticate(ctx, secret)
		wantKind(t, err, service.KindUnauthenticated, name)
	}
	a, err := b.Authenticate(ctx, token.Secret)
	b.must(err)
	if a.Can(resource.ScopeRead) || !a.Can(resource.ScopeWrite) || a.Can(resource.ScopeAdmin) {
		t.Errorf("the bearer is %+v", a)
	}
	read, err := b.Token(ctx, b.admin, key(t, identifier.Token, token.ID))
	b.must(err)
	if read.Secret != "" || read.LastUsedAt == nil {
		t.Errorf("read back as %+v", read)
	}
	b.must(b.RevokeToken(ctx, b.admin, key(t, identifier.Token, token.ID)))
	_, err = b.Authenticate(ctx, token.Secret)
	wantKind(t, err, service.KindUnauthenticated, "revoked")

	soon := time.Now().Add(time.Hour)
	short, err := b.CreateToken(ctx, b.admin, resource.NewToken{Name: "short", Scopes: all(), ExpiresAt: &soon})
	b.must(err)
	b.setClock(soon.Add(time.Second))
	_, err = b.Authenticate(ctx, short.Secret)
	wantKind(t, err, service.KindUnauthenticated, "expired")
	b.setClock(time.Time{})

	ada, err := b.CreateMember(ctx, b.admin, resource.NewMember{Name: "Ada", Email: "ada@example.com", Role: resource.RoleAnalyst})
	b.must(err)
	_, err = b.CreateMember(ctx, b.admin, resource.NewMember{Name: "Other Ada", Email: "ADA@example.com", Role: resource.RoleViewer})
	wantKind(t, err, service.KindConflict, "the same address")
	hers, err := b.CreateToken(ctx, b.admin, resource.NewToken{Name: "hers", Scopes: all(), Member: ada.ID})
	b.must(err)
	a, err = b.Authenticate(ctx, hers.Secret)
	b.must(err)
	if a.Name != "Ada" || a.Can(resource.ScopeDecide) || a.Can(resource.ScopeAdmin) || !a.Can(resource.ScopeWrite) {
		t.Errorf("an analyst's token with all scopes is %+v", a)
	}
	b.must(b.RemoveMember(ctx, b.admin, key(t, identifier.Member, ada.ID)))
	_, err = b.Authenticate(ctx, hers.Secret)
	wantKind(t, err, service.KindUnauthenticated, "of a member who has gone")
}

// TestNobodyReachesBeyond: what belongs to another tenant, or lies outside of a
// token's system, is not there; what the scope does not allow is forbidden.
func TestNobodyReachesBeyond(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	up := b.upload(system, orders())
	b.drain()
	m, _ := b.model(system)
	threat := m.Threats[0].ID
	doc := key(t, identifier.Document, up.Documents[0].Document.ID)
	rev := key(t, identifier.Revision, up.Documents[0].Document.Revision.ID)
	analysis := key(t, identifier.Analysis, up.Analysis.ID)
	full, err := b.Document(ctx, b.admin, doc)
	b.must(err)
	source := key(t, identifier.Source, full.Revision.Sources[0].ID)

	elsewhere := b.system(resource.NewSystem{Name: "elsewhere"})
	other := b.organization("other")
	bounded := b.actor(resource.NewToken{Name: "bounded", Scopes: all(), System: identifier.String(identifier.System, elsewhere)})
	calls := map[string]func(service.Actor) error{
		"System": func(a service.Actor) error { _, err := b.System(ctx, a, system); return err },
		"UpdateSystem": func(a service.Actor) error {
			_, err := b.UpdateSystem(ctx, a, system, resource.SystemEdit{}, 0)
			return err
		},
		"ArchiveSystem":  func(a service.Actor) error { return b.ArchiveSystem(ctx, a, system) },
		"PurgeSystem":    func(a service.Actor) error { return b.PurgeSystem(ctx, a, system) },
		"Documents":      func(a service.Actor) error { _, err := b.Documents(ctx, a, system, resource.List{}); return err },
		"Document":       func(a service.Actor) error { _, err := b.Document(ctx, a, doc); return err },
		"Upload":         func(a service.Actor) error { _, err := b.Upload(ctx, a, system, orders().all(), true); return err },
		"Revisions":      func(a service.Actor) error { _, err := b.Revisions(ctx, a, doc, resource.List{}); return err },
		"Revision":       func(a service.Actor) error { _, err := b.Revision(ctx, a, rev); return err },
		"Original":       func(a service.Actor) error { _, _, err := b.Original(ctx, a, rev); return err },
		"Extraction":     func(a service.Actor) error { _, err := b.Extraction(ctx, a, source); return err },
		"RemoveDocument": func(a service.Actor) error { return b.RemoveDocument(ctx, a, doc, 0) },
		"PurgeDocument":  func(a service.Actor) error { return b.PurgeDocument(ctx, a, doc) },
		"Analyze":        func(a service.Actor) error { _, err := b.Analyze(ctx, a, system, resource.NewAnalysis{}); return err },
		"Analyses":       func(a service.Actor) error { _, err := b.Analyses(ctx, a, system, resource.List{}); return err },
		"Analysis":       func(a service.Actor) error { _, err := b.Analysis(ctx, a, analysis); return err },
		"CancelAnalysis": func(a service.Actor) error { _, err := b.CancelAnalysis(ctx, a, analysis); return err },
		"Estimate":       func(a service.Actor) error { _, err := b.Estimate(ctx, a, system, resource.NewAnalysis{}); return err },
		"Events":         func(a service.Actor) error { _, err := b.Events(ctx, a, analysis, 0); return err },
		"Model":          func(a service.Actor) error { _, _, err := b.Model(ctx, a, system, 0); return err },
		"ModelVersions":  func(a service.Actor) error { _, err := b.ModelVersions(ctx, a, system, resource.List{}); return err },
		"Changes":        func(a service.Actor) error { _, err := b.Changes(ctx, a, system, 0, 0); return err },
		"Bundle":         func(a service.Actor) error { _, err := b.Bundle(ctx, a, system, 0); return err },
		"Decisions":      func(a service.Actor) error { _, err := b.Decisions(ctx, a, system); return err },
		"Import":         func(a service.Actor) error { _, err := b.Import(ctx, a, system, resource.Import{Model: m}); return err },
		"Threats": func(a service.Actor) error {
			_, err := b.Threats(ctx, a, resource.ThreatFilter{System: identifier.String(identifier.System, system)}, resource.List{})
			return err
		},
		"Threat": func(a service.Actor) error { _, err := b.Threat(ctx, a, system, threat); return err },
		"Review": func(a service.Actor) error { _, err := b.Review(ctx, a, &system, resource.List{}); return err },
		"Decide": func(a service.Actor) error {
			_, err := b.Decide(ctx, a, system, threat, resource.Decision{Action: "confirm"}, 0)
			return err
		},
		"EditThreat": func(a service.Actor) error {
			_, err := b.EditThreat(ctx, a, system, threat, resource.ThreatEdit{}, 0)
			return err
		},
		"AddThreat": func(a service.Actor) error { _, err := b.AddThreat(ctx, a, system, newThreat()); return err },
		"Questions": func(a service.Actor) error { _, err := b.Questions(ctx, a, system); return err },
		"Answers":   func(a service.Actor) error { _, err := b.Answers(ctx, a, system, resource.List{}); return err },
		"Answer": func(a service.Actor) error {
			_, err := b.Answer(ctx, a, system, "Q-1", resource.NewAnswer{Answer: "yes"})
			return err
		},
		"SearchPassages": func(a service.Actor) error { _, err := b.SearchPassages(ctx, a, "orders", &system, 5); return err },
	}
	for name, call := range calls {
		wantKind(t, call(other), service.KindNotFound, name+" by another tenant")
		wantKind(t, call(bounded), service.KindNotFound, name+" by a token of another system")
	}
	nothing := service.Actor{Organization: b.admin.Organization, Role: resource.RoleAdmin}
	viewer := service.Actor{Organization: b.admin.Organization, Role: resource.RoleViewer, Scopes: all()}
	reads := map[string]bool{
		"System": true, "Documents": true, "Document": true, "Revisions": true, "Revision": true, "Original": true, "Extraction": true, "Analyses": true,
		"Analysis": true, "Estimate": true, "Events": true, "Model": true, "ModelVersions": true, "Changes": true, "Bundle": true, "Decisions": true,
		"Threats": true, "Threat": true, "Review": true, "Questions": true, "Answers": true, "SearchPassages": true,
	}
	for name, call := range calls {
		wantKind(t, call(nothing), service.KindForbidden, name+" without a scope")
		if err := call(viewer); reads[name] && err != nil {
			t.Errorf("%s by a viewer: %v", name, err)
		} else if !reads[name] {
			wantKind(t, err, service.KindForbidden, name+" by a viewer")
		}
	}
	whole := map[string]func(service.Actor) error{
		"CreateSystem": func(a service.Actor) error {
			_, err := b.CreateSystem(ctx, a, resource.NewSystem{Name: "x"})
			return err
		},
		"UpdateOrganization": func(a service.Actor) error {
			_, err := b.UpdateOrganization(ctx, a, resource.OrganizationEdit{}, 0)
			return err
		},
		"Members": func(a service.Actor) error { _, err := b.Members(ctx, a, resource.List{}); return err },
		"Tokens":  func(a service.Actor) error { _, err := b.Tokens(ctx, a, resource.List{}); return err },
		"CreateToken": func(a service.Actor) error {
			_, err := b.CreateToken(ctx, a, resource.NewToken{Name: "x", Scopes: all()})
			return err
		},
		"AuditEvents": func(a service.Actor) error { _, err := b.AuditEvents(ctx, a, "", resource.List{}); return err },
		"VerifyAudit": func(a service.Actor) error { _, err := b.VerifyAudit(ctx, a, ""); return err },
		"CreateBatch": func(a service.Actor) error {
			_, err := b.CreateBatch(ctx, a, resource.NewBatch{Selector: resource.Selector{Everything: true}})
			return err
		},
		"PutCatalog": func(a service.Actor) error { _, err := b.PutCatalog(ctx, a, "own", []byte(ownCatalog), 0); return err },
		"Usage":      func(a service.Actor) error { _, err := b.Usage(ctx, a, "", ""); return err },
		"Webhooks":   func(a service.Actor) error { _, err := b.Webhooks(ctx, a, resource.List{}); return err },
	}
	for name, call := range whole {
		wantKind(t, call(bounded), service.KindForbidden, name+" by a token of one system")
		wantKind(t, call(nothing), service.KindForbidden, name+" without a scope")
	}
	list, err := b.Systems(ctx, bounded, resource.SystemFilter{}, resource.List{})
	b.must(err)
	if len(list.Items) != 1 || list.Items[0].Name != "elsewhere" {
		t.Errorf("a token of one system sees %+v", list.Items)
	}
	found, err := b.Threats(ctx, bounded, resource.ThreatFilter{}, resource.List{})
	b.must(err)
	hits, err := b.SearchPassages(ctx, bounded, "orders", nil, 5)
	b.must(err)
	if len(found.Items)+len(hits) > 0 {
		t.Errorf("a token of another system sees %d threats and %d passages", len(found.Items), len(hits))
	}
}

// TestDecide: a decision is bound to the evidence, counted in lists, put to review
// by a change of the text, and refused where another was faster.
func TestDecide(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	m, _ := b.model(system)
	var target *threatmodel.Threat
	for i := range m.Threats {
		if strings.Contains(m.Threats[i].Evidence[0].Quote, "one shared password") {
			target = &m.Threats[i]
		}
	}
	if target == nil {
		t.Fatal("no threat rests on the shared password")
	}
	until := time.Now().Add(48 * time.Hour)
	x, err := b.Decide(ctx, b.admin, system, target.ID, resource.Decision{Action: "accept", Reason: "until the new desk", Until: &until, Comment: "as agreed"}, 1)
	b.must(err)
	if x.Status != threatmodel.StatusAccepted || x.Version != 2 || x.Decisions[0].By != "token first" || len(x.Decisions[0].Anchors) == 0 {
		t.Errorf("decided: %+v", x)
	}
	_, err = b.Decide(ctx, b.admin, system, target.ID, resource.Decision{Action: "reject", Reason: "no"}, 1)
	wantKind(t, err, service.KindPrecondition, "an old version")
	_, err = b.Decide(ctx, b.admin, system, target.ID, resource.Decision{Action: "reject"}, 0)
	wantKind(t, err, service.KindInvalid, "no reason")
	_, err = b.Decide(ctx, b.admin, system, "T-000000", resource.Decision{Action: "confirm"}, 0)
	wantKind(t, err, service.KindNotFound, "no such threat")
	_, v := b.model(system)
	if v.Number != 2 || v.Cause != "decision" {
		t.Errorf("the version is %+v", v)
	}
	open := false
	list, err := b.Threats(ctx, b.admin, resource.ThreatFilter{Open: &open}, resource.List{})
	b.must(err)
	if len(list.Items) != 1 || list.Items[0].ID != target.ID {
		t.Errorf("closed are %d", len(list.Items))
	}

	b.upload(system, edited())
	b.drain()
	due, err := b.Review(ctx, b.admin, nil, resource.List{})
	b.must(err)
	if len(due.Items) != 1 || due.Items[0].ID != target.ID || due.Items[0].ReviewDue.Cause != threatmodel.CauseDocument {
		t.Fatalf("up for review: %+v", due.Items)
	}
	if a := b.newest(system); len(a.Review) != 1 || a.Review[0] != target.ID {
		t.Errorf("the analysis put up %v", a.Review)
	}
	changes, err := b.Changes(ctx, b.admin, system, 0, 0)
	b.must(err)
	if len(changes.Threats) == 0 {
		t.Error("no changes are told")
	}
	x, err = b.Decide(ctx, b.admin, system, target.ID, resource.Decision{Action: "accept", Reason: "still", Until: &until}, 0)
	b.must(err)
	if x.ReviewDue != nil {
		t.Errorf("decided anew, up for review: %+v", x.ReviewDue)
	}

	b.setClock(until.Add(time.Minute))
	b.must(b.Housekeep(ctx))
	b.must(b.Housekeep(ctx))
	_, v = b.model(system)
	x, err = b.Threat(ctx, b.admin, system, target.ID)
	b.must(err)
	if v.Cause != "expiry" || v.Number != 5 || x.Status != threatmodel.StatusOpen || x.ReviewDue == nil || x.ReviewDue.Cause != threatmodel.CauseTime {
		t.Errorf("after its end: %s, review %+v, version %+v", x.Status, x.ReviewDue, v)
	}
	report, err := b.VerifyAudit(ctx, b.admin, "")
	b.must(err)
	if !report.Valid || report.Events < 6 {
		t.Errorf("the audit trail: %+v", report)
	}
}

// TestAddThreat holds a person's threat to what an analyst's is held to, and keeps
// it over analyses.
func TestAddThreat(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	for name, change := range map[string]func(*resource.NewThreat){
		"/element":    func(x *resource.NewThreat) { x.Element = "nothing of the kind" },
		"/quote":      func(x *resource.NewThreat) { x.Quote = "The Export Job never sleeps." },
		"/cwe":        func(x *resource.NewThreat) { x.CWE = 20 },
		"/controls/0": func(x *resource.NewThreat) { x.Controls = []string{"iso27001-2022:A.99"} },
		"/likelihood": func(x *resource.NewThreat) { x.Likelihood = 6 },
		"/stride/0":   func(x *resource.NewThreat) { x.STRIDE = []threatmodel.STRIDE{"bad luck"} },
		"/title":      func(x *resource.NewThreat) { x.Title = " " },
	} {
		in := newThreat()
		change(&in)
		_, err := b.AddThreat(ctx, b.admin, system, in)
		wantKind(t, err, service.KindInvalid, name)
		var e *service.Error
		if errors.As(err, &e) && e.Pointer != name {
			t.Errorf("%s: blamed %s: %v", name, e.Pointer, err)
		}
	}
	x := b.add(system)
	if x.Source != threatmodel.SourcePerson || x.Evidence[0].Quote != newThreat().Quote || x.Family != "authorization" || x.Risk != threatmodel.Risk(3, 4) || x.Controls[0].Title == "" {
		t.Errorf("added as %+v", x)
	}
	title, owner := "as corrected", "ada"
	_, err := b.EditThreat(ctx, b.admin, system, x.ID, resource.ThreatEdit{Title: &title, Owner: &owner}, 0)
	b.must(err)
	b.upload(system, edited())
	b.drain()
	y, err := b.Threat(ctx, b.admin, system, x.ID)
	b.must(err)
	if y.Title != title || y.Owner == nil || *y.Owner != owner || y.Source != threatmodel.SourcePerson || y.Status != threatmodel.StatusOpen || y.NotReproduced {
		t.Errorf("after an analysis: %+v", y)
	}
	again := newThreat()
	again.Title = "another on the same sentence"
	z, err := b.AddThreat(ctx, b.admin, system, again)
	b.must(err)
	if z.ID == x.ID {
		t.Error("two threats have one id")
	}
}

// TestAnAnswerBecomesContext of the next analysis.
func TestAnAnswerBecomesContext(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "portal"})
	b.upload(system, folder(t, portal))
	b.drain()
	list, err := b.Questions(ctx, b.admin, system)
	b.must(err)
	if len(list) == 0 {
		t.Fatal("the model asks nothing")
	}
	q := list[0]
	_, err = b.Answer(ctx, b.admin, system, "Q-none", resource.NewAnswer{Answer: "yes"})
	wantKind(t, err, service.KindNotFound, "no such question")
	_, err = b.Answer(ctx, b.admin, system, q.ID, resource.NewAnswer{Answer: "Only staff may."})
	b.must(err)
	_, err = b.Answer(ctx, b.admin, system, q.ID, resource.NewAnswer{Answer: "Only staff on call may."})
	b.must(err)
	b.drain()
	m, v := b.model(system)
	if v.Number != 2 || m.Context == nil {
		t.Fatalf("version %+v, context %+v", v, m.Context)
	}
	if a := m.Context.Assumptions; len(a) != 1 || !strings.Contains(a[0], q.Text) || !strings.HasSuffix(a[0], "Only staff on call may.") {
		t.Errorf("the assumptions are %q", a)
	}
	answers, err := b.Answers(ctx, b.admin, system, resource.List{})
	b.must(err)
	if len(answers.Items) != 2 || answers.Items[0].Answer != "Only staff on call may." {
		t.Errorf("the answers are %+v", answers.Items)
	}
}

// TestAModelGoesOutAndIn: what is pulled and imported elsewhere is the same, with
// its decisions, and a model that does not continue the current one is refused.
func TestAModelGoesOutAndIn(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	from := b.system(resource.NewSystem{Name: "from"})
	b.upload(from, orders())
	b.drain()
	m, _ := b.model(from)
	_, err := b.Decide(ctx, b.admin, from, m.Threats[0].ID, resource.Decision{Action: "confirm", Reason: "seen"}, 0)
	b.must(err)
	bundle, err := b.Bundle(ctx, b.admin, from, 0)
	b.must(err)
	want := canonical(t, bundle.Model)

	to := b.system(resource.NewSystem{Name: "to"})
	writer := b.actor(resource.NewToken{Name: "writer", Scopes: []resource.Scope{resource.ScopeRead, resource.ScopeWrite}})
	_, err = b.Import(ctx, writer, to, resource.Import{Model: bundle.Model, Decisions: bundle.Decisions})
	wantKind(t, err, service.KindForbidden, "decisions without the scope decide")
	v, err := b.Import(ctx, b.admin, to, resource.Import{Model: bundle.Model, Decisions: bundle.Decisions})
	b.must(err)
	got, _ := b.model(to)
	if text := canonical(t, got); v.Number != 1 || v.Cause != "import" || text != want {
		t.Errorf("imported as %+v:\n%s", v, differ(text, want))
	}
	decisions, err := b.Decisions(ctx, b.admin, to)
	b.must(err)
	if len(decisions) != 1 || decisions[0].By != "token first" {
		t.Errorf("the decisions are %+v", decisions)
	}
	v, err = b.Import(ctx, b.admin, to, resource.Import{Model: got})
	b.must(err)
	if v.Number != 2 {
		t.Errorf("on top it is %+v", v)
	}
	stranger := *got
	stranger.Analysis.ID, stranger.Analysis.History, stranger.Changes = "a-0000000000000000", nil, nil
	_, err = b.Import(ctx, b.admin, to, resource.Import{Model: &stranger})
	wantKind(t, err, service.KindConflict, "an unrelated model")
	_, err = b.Import(ctx, b.admin, to, resource.Import{Model: &threatmodel.Model{}})
	wantKind(t, err, service.KindInvalid, "no model")

	b.upload(to, orders())
	b.drain()
	after, _ := b.model(to)
	for i := range got.Threats {
		if x := after.Threat(got.Threats[i].ID); x == nil || x.Status != got.Threats[i].Status {
			t.Errorf("%s is %+v after an analysis of the same documents", got.Threats[i].ID, x)
		}
	}
}

// TestListsGoOnFromPageToPage, and refuse a cursor of another list.
func TestListsGoOnFromPageToPage(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	for _, name := range []string{"b", "A", "c", "d", "E"} {
		b.system(resource.NewSystem{Name: name})
	}
	var names []string
	list := resource.List{Limit: 2}
	for {
		page, err := b.Systems(ctx, b.admin, resource.SystemFilter{}, list)
		b.must(err)
		for _, s := range page.Items {
			names = append(names, s.Name)
		}
		if list.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "A b c d E" {
		t.Errorf("the systems are %s", got)
	}
	system := b.system(resource.NewSystem{Name: "portal"})
	b.upload(system, folder(t, portal))
	b.drain()
	for _, sort := range []string{"risk", "-risk", "updated", "id"} {
		seen := map[string]bool{}
		list := resource.List{Limit: 7}
		for {
			page, err := b.Threats(ctx, b.admin, resource.ThreatFilter{Sort: sort}, list)
			b.must(err)
			for _, x := range page.Items {
				if seen[x.ID] {
					t.Errorf("by %s: %s comes twice", sort, x.ID)
				}
				seen[x.ID] = true
			}
			if list.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		if m, _ := b.model(system); len(seen) != len(m.Threats) {
			t.Errorf("by %s: %d of %d threats", sort, len(seen), len(m.Threats))
		}
	}
	for _, bad := range []resource.List{{Cursor: "nonsense"}, {Limit: -1}, {Limit: 201}} {
		_, err := b.Threats(ctx, b.admin, resource.ThreatFilter{}, bad)
		wantKind(t, err, service.KindInvalid, bad.Cursor)
	}
	_, err := b.Threats(ctx, b.admin, resource.ThreatFilter{System: "sys_x"}, resource.List{})
	wantKind(t, err, service.KindInvalid, "no identifier")
	_, err = b.Threats(ctx, b.admin, resource.ThreatFilter{Sort: "luck"}, resource.List{})
	wantKind(t, err, service.KindInvalid, "no order")
	_, err = b.System(ctx, b.admin, uuid.New())
	wantKind(t, err, service.KindNotFound, "no system")
}
