package postgres

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Checkpoint is a signed statement of where an audit trail stood. Kept outside
// of the database, it proves that nothing up to there was changed or cut off
// since, whoever may write into the database.
//
// The signature is Ed25519 over five fields, each preceded by its length as in
// [AuditEvent]: bartizan-checkpoint-1, the organization, the sequence number,
// the hash of that event, the time.
type Checkpoint struct {
	Organization uuid.UUID
	Sequence     int64
	Hash         []byte
	At           time.Time
	// KeyID is that of the key that signed; see [CheckpointKeyID].
	KeyID     string
	Signature []byte
}

const checkpointVersion = "bartizan-checkpoint-1"

// CheckpointKeyID names a key by the first 8 bytes of its SHA-256, in hex.
func CheckpointKeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

func (c *Checkpoint) message() []byte {
	return fields([]byte(checkpointVersion), []byte(c.Organization.String()), strconv.AppendInt(nil, c.Sequence, 10), c.Hash, []byte(c.At.UTC().Format(auditTime)))
}

// String is the checkpoint in one line without spaces, for logs and messages.
func (c *Checkpoint) String() string {
	return strings.Join([]string{
		checkpointVersion, c.Organization.String(), strconv.FormatInt(c.Sequence, 10), hex.EncodeToString(c.Hash),
		c.At.UTC().Format(auditTime), c.KeyID, base64.RawURLEncoding.EncodeToString(c.Signature),
	}, "/")
}

// ParseCheckpoint reads what [Checkpoint.String] wrote. It does not verify the
// signature.
func ParseCheckpoint(s string) (*Checkpoint, error) {
	part := strings.Split(strings.TrimSpace(s), "/")
	if len(part) != 7 || part[0] != checkpointVersion {
		return nil, fmt.Errorf("this is no checkpoint: one begins with %s/ and has seven parts", checkpointVersion)
	}
	c := &Checkpoint{KeyID: part[5]}
	var problems [5]error
	c.Organization, problems[0] = uuid.Parse(part[1])
	c.Sequence, problems[1] = strconv.ParseInt(part[2], 10, 64)
	c.Hash, problems[2] = hex.DecodeString(part[3])
	c.At, problems[3] = time.Parse(auditTime, part[4])
	c.Signature, problems[4] = base64.RawURLEncoding.DecodeString(part[6])
	if err := errors.Join(problems[:]...); err != nil {
		return nil, fmt.Errorf("this is no checkpoint: its parts do not read: %w", err)
	}
	if c.Sequence < 1 || len(c.Hash) != sha256.Size {
		return nil, errors.New("this is no checkpoint: it names no event")
	}
	return c, nil
}

// Verify is nil where the key signed the checkpoint.
func (c *Checkpoint) Verify(key ed25519.PublicKey) error {
	if id := CheckpointKeyID(key); id != c.KeyID {
		return fmt.Errorf("the checkpoint was signed with the key %s, not with %s", c.KeyID, id)
	}
	if !ed25519.Verify(key, c.message(), c.Signature) {
		return errors.New("the signature of the checkpoint does not hold")
	}
	return nil
}

// WriteCheckpoint signs where the trail of an organization stands and keeps it.
// It gives false where nothing was added since the last one. The signer is one
// of an Ed25519 key.
func (db *DB) WriteCheckpoint(ctx context.Context, organization uuid.UUID, signer crypto.Signer, now time.Time) (*Checkpoint, bool, error) {
	key, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, false, errors.New("checkpoints are signed with an Ed25519 key")
	}
	c := &Checkpoint{Organization: organization, At: now.UTC().Truncate(time.Microsecond), KeyID: CheckpointKeyID(key)}
	written := false
	err := db.Tenant(ctx, organization, func(tx *Tx) error {
		written = false
		err := tx.QueryRow(ctx, `
			select h.sequence, h.hash from bartizan.audit_head h
			where h.organization_id = $1 and h.sequence > coalesce((select max(c.sequence) from bartizan.checkpoint c where c.organization_id = $1), 0)`,
			organization).Scan(&c.Sequence, &c.Hash)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.Signature, err = signer.Sign(rand.Reader, c.message(), crypto.Hash(0)); err != nil {
			return fmt.Errorf("signing: %w", err)
		}
		tag, err := tx.Exec(ctx, `
			insert into bartizan.checkpoint (organization_id, sequence, hash, at, key_id, signature) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
			organization, c.Sequence, c.Hash, c.At, c.KeyID, c.Signature)
		written = tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("writing a checkpoint of the audit trail: %w", err)
	}
	return c, written, nil
}

// Checkpoints gives the checkpoints that are kept of an organization, ascending.
func (tx *Tx) Checkpoints(ctx context.Context) ([]Checkpoint, error) {
	rows, err := tx.Query(ctx, `select organization_id, sequence, hash, at, key_id, signature from bartizan.checkpoint where organization_id = $1 order by sequence`, tx.Organization)
	if err != nil {
		return nil, fmt.Errorf("reading checkpoints: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Checkpoint])
	if err != nil {
		return nil, fmt.Errorf("reading checkpoints: %w", err)
	}
	return out, nil
}
