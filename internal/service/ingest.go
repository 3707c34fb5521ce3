package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// States of the reading of a revision.
const (
	ingestReading = "reading"
	ingestRead    = "read"
	ingestFailed  = "failed"
)

// readingPatience is how long a document is tried again whose reading fails for a
// reason that is not its own.
const readingPatience = time.Hour

// Ingest reads a revision: extracts, splits, embeds and stores what it holds,
// then wakes the system's analysis. A document that cannot be read is no error
// here: its ingestion says so.
func (s *Service) Ingest(ctx context.Context, organization, revision uuid.UUID) error {
	a := Worker(organization)
	var r query.RevisionRow
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		if r, err = tx.Queries.Revision(ctx, revision); err != nil || finished(r.Ingestion.State) {
			return err
		}
		return tx.SetIngestion(ctx, query.SetIngestionParams{State: ingestReading, Reader: s.cfg.Version, RevisionID: revision})
	})
	if errors.Is(err, postgres.ErrNoRows) {
		return nil // purged meanwhile
	}
	if err != nil || finished(r.Ingestion.State) {
		return err
	}
	docs, problem, err := s.read(ctx, a, r)
	if err != nil && ctx.Err() == nil && !postgres.Temporary(err) && s.cfg.Now().Sub(r.Revision.CreatedAt) > readingPatience {
		// Its system's analysis must not wait for ever.
		s.cfg.Log.ErrorContext(ctx, "a document is given up", "organization", organization, "revision", revision, "error", err)
		docs, problem, err = nil, "the server could not read it, for a reason that its log has: send it again", nil
	}
	if err != nil {
		return fmt.Errorf("reading the revision %s: %w", identifier.String(identifier.Revision, revision), err)
	}
	if err := s.keep(ctx, a, r, docs, problem); err != nil {
		return err
	}
	if err := s.embedPassages(ctx, a, r.Document.SystemID); err != nil {
		// Search finds the passages by their words; the system's next reading
		// makes up for it.
		s.cfg.Log.WarnContext(ctx, "passages have no vectors yet", "organization", organization, "system", r.Document.SystemID, "error", err)
	}
	return nil
}

func finished(state string) bool { return state == ingestRead || state == ingestFailed }

// read extracts a revision's documents. The problem is what people are told of
// those that could not be read; the error is a fault of ours.
func (s *Service) read(ctx context.Context, a Actor, r query.RevisionRow) (docs []threatmodel.Source, problem string, err error) {
	f, err := os.CreateTemp(s.cfg.TempDir, "bartizan-read-")
	if err != nil {
		return nil, "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	o, err := s.db.Original(ctx, a.Organization, [32]byte(r.Revision.SHA256))
	if err != nil {
		return nil, "", err
	}
	size, err := io.Copy(f, o)
	if err != nil {
		return nil, "", err
	}
	var summary extract.Summary
	opt := s.cfg.Extract
	opt.Summary = &summary
	var problems []error
	for doc, err := range extract.Read(ctx, r.Document.Reference, f, size, opt) {
		var unread *extract.Error
		switch {
		case err == nil:
			docs = append(docs, doc)
		case errors.As(err, &unread):
			problems = append(problems, err)
		default:
			return nil, "", err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, "", err
	}
	return docs, tell(problems), nil
}

// mostProblems is how many documents of an archive that could not be read are
// told one by one.
const mostProblems = 20

func tell(problems []error) string {
	text := ""
	for i, err := range problems {
		if i == mostProblems {
			return text + fmt.Sprintf("\nand %d more", len(problems)-i)
		}
		if i > 0 {
			text += "\n"
		}
		text += withoutFlags(err)
	}
	return text
}

// flagOf is how errors of reading name the flag of the command line that helps.
var flagOf = regexp.MustCompile(`,? or raise the limit \(--[^)]*\)| \(--[^)]*\)`)

// withoutFlags is the error as clients of the service are told it: they have no
// flags, and no way to give a password.
func withoutFlags(err error) string {
	var unread *extract.Error
	if errors.As(err, &unread) && unread.Kind == extract.KindEncrypted {
		plain := *unread
		plain.Err, plain.Remedy = errEncrypted, "Save a copy without a password, and send that"
		return plain.Error()
	}
	return flagOf.ReplaceAllString(err.Error(), "")
}

var errEncrypted = errors.New("the document is encrypted")

// keep stores what was read in one transaction, and wakes the analysis where
// nothing of the system is left to be read.
func (s *Service) keep(ctx context.Context, a Actor, r query.RevisionRow, docs []threatmodel.Source, problem string) error {
	state := ingestRead
	if len(docs) == 0 {
		state = ingestFailed
		if problem == "" {
			problem = "it holds no document that can be read"
		}
	}
	packed := make([][]byte, len(docs))
	for i := range docs {
		var err error
		if packed[i], err = packSource(&docs[i]); err != nil {
			return err
		}
	}
	system := r.Document.SystemID
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if err := tx.EnsureWork(ctx, system); err != nil {
			return err
		}
		work, err := tx.WorkForUpdate(ctx, system) // one reading ends at a time: the last one wakes
		if err != nil {
			return err
		}
		if _, err := tx.HoldDocument(ctx, r.Document.ID); err != nil && !errors.Is(err, postgres.ErrNoRows) {
			return err
		}
		now, err := tx.Queries.Revision(ctx, r.Revision.ID)
		if errors.Is(err, postgres.ErrNoRows) || err == nil && finished(now.Ingestion.State) {
			return nil // purged meanwhile, or read by another
		}
		if err != nil {
			return err
		}
		for i := range docs {
			if err := putSource(ctx, tx, r, i, &docs[i], packed[i]); err != nil {
				return err
			}
		}
		if err := tx.SetIngestion(ctx, query.SetIngestionParams{State: state, Reader: s.cfg.Version, Error: problem, RevisionID: r.Revision.ID}); err != nil {
			return err
		}
		if err := tx.CountRevisions(ctx, system, r.Document.ID); err != nil {
			return err
		}
		if work.Requested == work.Done {
			return nil
		}
		return s.wake(ctx, tx, system, 0)
	})
}

func putSource(ctx context.Context, tx *postgres.Tx, r query.RevisionRow, position int, doc *threatmodel.Source, packed []byte) error {
	id := identifier.New()
	err := tx.InsertSource(ctx, query.InsertSourceParams{
		ID: id, RevisionID: r.Revision.ID, Position: int32(position), Name: postgres.StorableText(doc.Name), Title: postgres.StorableText(doc.Title),
		SHA256: doc.SHA256, Content: packed,
	})
	if err != nil {
		return err
	}
	return tx.PutPassages(ctx, r.Document.SystemID, id, passage.Split([]threatmodel.Source{*doc}))
}

// embedAtOnce is how many passages are embedded between two transactions.
const embedAtOnce = 1000

// embedPassages makes the vectors that a system's passages lack, for search.
func (s *Service) embedPassages(ctx context.Context, a Actor, system uuid.UUID) error {
	embedder, err := s.searchEmbedder(ctx, a, system)
	if err != nil || embedder == nil {
		return err
	}
	for {
		n, err := s.embedSome(ctx, a, system, embedder)
		if err != nil || n < embedAtOnce {
			return err
		}
	}
}

func (s *Service) embedSome(ctx context.Context, a Actor, system uuid.UUID, embedder embed.Embedder) (int, error) {
	dimensions := embedder.Dimensions()
	if dimensions == 0 { // not known before the first answer
		v, err := embedder.Embed(ctx, []string{"dimensions"})
		if err != nil {
			return 0, err
		}
		dimensions = len(v[0])
	}
	var model int16
	var lacking []postgres.PassageText
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		if model, err = tx.EmbeddingModel(ctx, embedder.Name(), dimensions); err != nil {
			return err
		}
		lacking, err = tx.WithoutVector(ctx, system, model, embedAtOnce)
		return err
	})
	if err != nil || len(lacking) == 0 {
		return 0, err
	}
	texts := make([]string, len(lacking))
	for i, p := range lacking {
		texts[i] = p.Heading + "\n" + p.Header + "\n" + p.Text
	}
	found, err := embedder.Embed(ctx, texts)
	if err != nil {
		return 0, err
	}
	var vectors []postgres.PassageVector
	for i, v := range found {
		if len(v) == 0 {
			v = make([]float32, dimensions) // a text without words
		}
		vectors = append(vectors, postgres.PassageVector{Passage: lacking[i].ID, Embedding: v})
	}
	return len(lacking), s.tenant(ctx, a, func(tx *postgres.Tx) error { return tx.PutVectors(ctx, system, model, vectors) })
}
