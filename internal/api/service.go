package api

import (
	"context"
	"io"
	"iter"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Service is what the API calls: *service.Service, or a fake in tests. See
// package service for what each method does, who may call it and which errors
// it gives; every check of rights is there, none is here.
type Service interface {
	Access
	Portfolio
	Threats
	Batches
	Callbacks
	Ledger
}

var _ Service = (*service.Service)(nil)

// Access is about the tenant, its people and their tokens.
type Access interface {
	Authenticate(ctx context.Context, secret string) (service.Actor, error)
	Organization(ctx context.Context, a service.Actor) (resource.Organization, error)
	UpdateOrganization(ctx context.Context, a service.Actor, edit resource.OrganizationEdit, ifMatch int64) (resource.Organization, error)
	Members(ctx context.Context, a service.Actor, list resource.List) (resource.Page[resource.Member], error)
	Member(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Member, error)
	CreateMember(ctx context.Context, a service.Actor, in resource.NewMember) (resource.Member, error)
	UpdateMember(ctx context.Context, a service.Actor, id uuid.UUID, edit resource.MemberEdit, ifMatch int64) (resource.Member, error)
	RemoveMember(ctx context.Context, a service.Actor, id uuid.UUID) error
	Tokens(ctx context.Context, a service.Actor, list resource.List) (resource.Page[resource.Token], error)
	Token(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Token, error)
	CreateToken(ctx context.Context, a service.Actor, in resource.NewToken) (resource.Token, error)
	RevokeToken(ctx context.Context, a service.Actor, id uuid.UUID) error
	Usage(ctx context.Context, a service.Actor, from, to string) ([]resource.Usage, error)
	AuditEvents(ctx context.Context, a service.Actor, object string, list resource.List) (resource.Page[resource.AuditEvent], error)
	VerifyAudit(ctx context.Context, a service.Actor, checkpoint string) (resource.AuditVerdict, error)
}

// Portfolio is about systems, their documents, analyses and models.
type Portfolio interface {
	Systems(ctx context.Context, a service.Actor, filter resource.SystemFilter, list resource.List) (resource.Page[resource.System], error)
	CreateSystem(ctx context.Context, a service.Actor, in resource.NewSystem) (resource.System, error)
	System(ctx context.Context, a service.Actor, id uuid.UUID) (resource.System, error)
	UpdateSystem(ctx context.Context, a service.Actor, id uuid.UUID, edit resource.SystemEdit, ifMatch int64) (resource.System, error)
	ArchiveSystem(ctx context.Context, a service.Actor, id uuid.UUID) error
	PurgeSystem(ctx context.Context, a service.Actor, id uuid.UUID) error

	Upload(ctx context.Context, a service.Actor, system uuid.UUID, files iter.Seq2[service.File, error], analyse bool) (resource.Uploaded, error)
	Documents(ctx context.Context, a service.Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Document], error)
	Document(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Document, error)
	RemoveDocument(ctx context.Context, a service.Actor, id uuid.UUID, ifMatch int64) error
	PurgeDocument(ctx context.Context, a service.Actor, id uuid.UUID) error
	Revisions(ctx context.Context, a service.Actor, document uuid.UUID, list resource.List) (resource.Page[resource.Revision], error)
	Revision(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Revision, error)
	Original(ctx context.Context, a service.Actor, revision uuid.UUID) (io.ReadCloser, resource.Revision, error)
	Extraction(ctx context.Context, a service.Actor, source uuid.UUID) (resource.Extraction, error)

	Analyze(ctx context.Context, a service.Actor, system uuid.UUID, in resource.NewAnalysis) (resource.Analysis, error)
	Analyses(ctx context.Context, a service.Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Analysis], error)
	Analysis(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Analysis, error)
	CancelAnalysis(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Analysis, error)
	Estimate(ctx context.Context, a service.Actor, system uuid.UUID, in resource.NewAnalysis) (resource.Estimate, error)
	Events(ctx context.Context, a service.Actor, subject uuid.UUID, after int64) (<-chan resource.Event, error)

	Model(ctx context.Context, a service.Actor, system uuid.UUID, version int64) (*threatmodel.Model, resource.ModelVersion, error)
	ModelVersions(ctx context.Context, a service.Actor, system uuid.UUID, list resource.List) (resource.Page[resource.ModelVersion], error)
	Changes(ctx context.Context, a service.Actor, system uuid.UUID, from, to int64) (*threatmodel.Changes, error)
	Bundle(ctx context.Context, a service.Actor, system uuid.UUID, version int64) (resource.Bundle, error)
	Import(ctx context.Context, a service.Actor, system uuid.UUID, in resource.Import) (resource.ModelVersion, error)
}

// Threats is about threats, what people decide on them, questions, search and
// controls.
type Threats interface {
	Threats(ctx context.Context, a service.Actor, filter resource.ThreatFilter, list resource.List) (resource.Page[resource.Threat], error)
	Threat(ctx context.Context, a service.Actor, system uuid.UUID, id string) (resource.Threat, error)
	Review(ctx context.Context, a service.Actor, system *uuid.UUID, list resource.List) (resource.Page[resource.Threat], error)
	Decide(ctx context.Context, a service.Actor, system uuid.UUID, id string, in resource.Decision, ifMatch int64) (resource.Threat, error)
	EditThreat(ctx context.Context, a service.Actor, system uuid.UUID, id string, in resource.ThreatEdit, ifMatch int64) (resource.Threat, error)
	AddThreat(ctx context.Context, a service.Actor, system uuid.UUID, in resource.NewThreat) (resource.Threat, error)
	Decisions(ctx context.Context, a service.Actor, system uuid.UUID) ([]threatmodel.Decision, error)

	Questions(ctx context.Context, a service.Actor, system uuid.UUID) ([]resource.Question, error)
	Answers(ctx context.Context, a service.Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Answer], error)
	Answer(ctx context.Context, a service.Actor, system uuid.UUID, question string, in resource.NewAnswer) (resource.Answer, error)
	SearchControls(ctx context.Context, a service.Actor, query, catalog string, limit int) ([]resource.Control, error)
	SearchPassages(ctx context.Context, a service.Actor, query string, system *uuid.UUID, limit int) ([]resource.PassageHit, error)

	Catalogs(ctx context.Context, a service.Actor) ([]resource.Catalog, error)
	Catalog(ctx context.Context, a service.Actor, id string) (resource.Catalog, error)
	Controls(ctx context.Context, a service.Actor, catalog, query string) ([]resource.Control, error)
	PutCatalog(ctx context.Context, a service.Actor, id string, yaml []byte, ifMatch int64) (resource.Catalog, error)
	DeleteCatalog(ctx context.Context, a service.Actor, id string) error
}

// Batches is about re-analyses of many systems, and their clock.
type Batches interface {
	Batches(ctx context.Context, a service.Actor, list resource.List) (resource.Page[resource.Batch], error)
	CreateBatch(ctx context.Context, a service.Actor, in resource.NewBatch) (resource.Batch, error)
	Batch(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Batch, error)
	BatchItems(ctx context.Context, a service.Actor, batch uuid.UUID, list resource.List) (resource.Page[resource.BatchItem], error)
	StartBatch(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Batch, error)
	CancelBatch(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Batch, error)
	Schedules(ctx context.Context, a service.Actor, list resource.List) (resource.Page[resource.Schedule], error)
	CreateSchedule(ctx context.Context, a service.Actor, in resource.NewSchedule) (resource.Schedule, error)
	Schedule(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Schedule, error)
	UpdateSchedule(ctx context.Context, a service.Actor, id uuid.UUID, edit resource.ScheduleEdit, ifMatch int64) (resource.Schedule, error)
	DeleteSchedule(ctx context.Context, a service.Actor, id uuid.UUID) error
}

// Callbacks is about webhooks and what was sent to them.
type Callbacks interface {
	Webhooks(ctx context.Context, a service.Actor, list resource.List) (resource.Page[resource.Webhook], error)
	CreateWebhook(ctx context.Context, a service.Actor, in resource.NewWebhook) (resource.Webhook, error)
	Webhook(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Webhook, error)
	UpdateWebhook(ctx context.Context, a service.Actor, id uuid.UUID, edit resource.WebhookEdit, ifMatch int64) (resource.Webhook, error)
	DeleteWebhook(ctx context.Context, a service.Actor, id uuid.UUID) error
	TestWebhook(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Delivery, error)
	Deliveries(ctx context.Context, a service.Actor, webhook uuid.UUID, list resource.List) (resource.Page[resource.Delivery], error)
	Delivery(ctx context.Context, a service.Actor, id uuid.UUID) (resource.Delivery, error)
	Redeliver(ctx context.Context, a service.Actor, delivery uuid.UUID) (resource.Delivery, error)
}

// Ledger keeps the answers to requests that carry an Idempotency-Key.
type Ledger interface {
	// ClaimRequest takes the key for this request. Nil says that the caller
	// has it now and must give the answer or the key back; else it is what
	// the key already stands for, with status 0 while that is under way.
	ClaimRequest(ctx context.Context, a service.Actor, key string, request []byte) (*service.Remembered, error)
	RememberAnswer(ctx context.Context, a service.Actor, key string, answer service.Remembered) error
	ForgetRequest(ctx context.Context, a service.Actor, key string) error
}
