package postgres_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

func (s *store) put(org uuid.UUID, content []byte) [32]byte {
	s.t.Helper()
	sum := sha256.Sum256(content)
	s.as(org, func(tx *postgres.Tx) error {
		return tx.PutOriginal(s.t.Context(), sum, int64(len(content)), bytes.NewReader(content))
	})
	return sum
}

func TestOriginalsComeBackByteForByte(t *testing.T) {
	s := open(t)
	org := s.organization()
	big := make([]byte, 9<<20+17)
	for i := range big {
		big[i] = byte(rand.IntN(7))
	}
	for name, content := range map[string][]byte{"empty": {}, "small": []byte("# Design\n"), "one piece exactly": big[:4<<20], "several pieces": big} {
		t.Run(name, func(t *testing.T) {
			sum := s.put(org, content)
			o, err := s.Original(t.Context(), org, sum)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(o)
			if err != nil || !bytes.Equal(got, content) || o.Size != int64(len(content)) {
				t.Errorf("%d bytes came back (%v), size %d, want the %d that were kept", len(got), err, o.Size, len(content))
			}
		})
	}
}

func TestTheSameOriginalIsKeptOnce(t *testing.T) {
	s := open(t)
	org, other := s.organization(), s.organization()
	content := []byte("the same design")
	for _, o := range []uuid.UUID{org, org, other} {
		s.put(o, content)
	}
	if n := scan[int](s, `select count(*) from bartizan.original_piece`); n != 2 {
		t.Errorf("%d rows, want one an organization", n)
	}
	if _, err := s.Original(t.Context(), s.organization(), sha256.Sum256(content)); !errors.Is(err, postgres.ErrNoRows) {
		t.Errorf("an organization without it got %v, want ErrNoRows", err)
	}
}

func TestAnOriginalThatIsAnotherIsRefused(t *testing.T) {
	s := open(t)
	org := s.organization()
	content := []byte("the design as it was announced")
	sum := sha256.Sum256(content)
	for name, given := range map[string][]byte{"changed": []byte("the design as it was arrangedd"), "shorter": content[:10], "longer": append(bytes.Clone(content), '!')} {
		err := s.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
			return tx.PutOriginal(t.Context(), sum, int64(len(content)), bytes.NewReader(given))
		})
		if !errors.Is(err, postgres.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", name, err)
		}
	}
	if n := scan[int](s, `select count(*) from bartizan.original`); n != 0 {
		t.Errorf("%d originals were kept", n)
	}
	s.put(org, content)
	s.owner(func(tx *postgres.Tx) {
		s.exec(tx, `update bartizan.original_piece set content = $1`, postgres.Compress([]byte("somebody wrote into the database")))
	})
	o, err := s.Original(t.Context(), org, sum)
	s.must(err)
	if _, err := io.ReadAll(o); !errors.Is(err, postgres.ErrDamaged) {
		t.Errorf("a damaged original was read with %v, want ErrDamaged", err)
	}
}
