package postgres_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/llm/memotest"
	"github.com/bartizan-security/bartizan/internal/postgres"
)

func keys(t *testing.T, ids ...string) *postgres.Keyring {
	t.Helper()
	text := ""
	for _, id := range ids {
		text += id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(id[:1]), 32)) + ","
	}
	k, err := postgres.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMemoIsAMemo(t *testing.T) {
	for name, ring := range map[string]*postgres.Keyring{"plain": nil, "sealed": keys(t, "a")} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			org := s.organization()
			system := s.system(org)
			memotest.Run(t, memotest.Subject{
				Open: func(t *testing.T) llm.Memo { return openAt(t, s.urls).Memo(org, system, ring) },
				Damage: func(t *testing.T, hash string) {
					s.owner(func(tx *postgres.Tx) {
						s.exec(tx, `update bartizan.memo set answer = set_byte(answer, length(answer) - 3, get_byte(answer, length(answer) - 3) # 255) where call_hash = $1`, hash)
					})
				},
				Faults: func(t *testing.T, hash string) (out []string) {
					faults, err := s.Memo(org, system, ring).Faults(t.Context(), hash)
					s.must(err)
					for _, f := range faults {
						out = append(out, f.Raw)
					}
					return out
				},
			})
		})
	}
}

func answer(text string) llm.Record {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return llm.Record{Answer: raw, Model: "m", Mode: llm.ModeStrict, Stage: "survey", At: time.Unix(0, 0).UTC()}
}

func TestAnswersRestSealedAndKeysRotate(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	hash := memotest.Hash("sealed")
	s.must(s.Memo(org, system, keys(t, "old")).Put(t.Context(), hash, answer("the statement of a threat")))

	stored := scan[[]byte](s, `select answer from bartizan.memo`)
	if plain, err := postgres.Decompress(stored); err == nil || bytes.Contains(stored, []byte("statement")) {
		t.Errorf("the answer rests as %q", plain)
	}
	for name, c := range map[string]struct {
		ring *postgres.Keyring
		want bool
	}{
		"with the key":               {keys(t, "old"), true},
		"after a new key came first": {keys(t, "new", "old"), true},
		"without the key":            {keys(t, "new"), false},
		"without any":                {nil, false},
	} {
		if _, ok, err := s.Memo(org, system, c.ring).Get(t.Context(), hash); err != nil || ok != c.want {
			t.Errorf("%s: got %v, %v, want %v", name, ok, err, c.want)
		}
	}
	s.must(s.Memo(org, system, keys(t, "new", "old")).Put(t.Context(), hash, answer("sealed again")))
	if id := scan[string](s, `select key_id from bartizan.memo`); id != "new" {
		t.Errorf("what is put now is sealed with %q, want the first key", id)
	}
}

// TestAnAnswerOpensInItsOwnPlaceOnly holds that an answer moved to another
// call, by whoever can write into the table, is none.
func TestAnAnswerOpensInItsOwnPlaceOnly(t *testing.T) {
	s := open(t)
	org := s.organization()
	m := s.Memo(org, s.system(org), keys(t, "k"))
	s.must(m.Put(t.Context(), memotest.Hash("one"), answer("yes")))
	s.must(m.Put(t.Context(), memotest.Hash("two"), answer("no")))
	s.owner(func(tx *postgres.Tx) {
		s.exec(tx, `update bartizan.memo set answer = (select answer from bartizan.memo where call_hash = $1) where call_hash = $2`, memotest.Hash("one"), memotest.Hash("two"))
	})
	if r, ok, err := m.Get(t.Context(), memotest.Hash("two")); ok || err != nil {
		t.Errorf("the answer of another call was given: %s, %v", r.Answer, err)
	}
}

func TestKeysAreRefusedThatAreNone(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, text := range []string{"k", good, ":" + good, "k:" + good[:20], "k:x", "k:" + good + ",k:" + good} {
		if _, err := postgres.ParseKeys(text); err == nil {
			t.Errorf("%q was taken for keys", text)
		}
	}
	if k, err := postgres.ParseKeys(" \n"); k != nil || err != nil {
		t.Errorf("no keys gave %v, %v; want a nil keyring", k, err)
	}
}

func TestSealingTwiceGivesTwoTexts(t *testing.T) {
	k := keys(t, "k")
	plain := make([]byte, 40)
	_, _ = rand.Read(plain)
	id, a := k.Seal("here", plain)
	_, b := k.Seal("here", plain)
	if bytes.Equal(a, b) {
		t.Error("a nonce was used twice")
	}
	if got, err := k.Open("here", id, a); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opening gave %v, %v", got, err)
	}
	if _, err := k.Open("there", id, a); err == nil {
		t.Error("it opened in another place")
	}
	if _, err := k.Open("here", "other", a); !errors.Is(err, postgres.ErrNoKey) {
		t.Errorf("an unknown key gave %v, want ErrNoKey", err)
	}
	for n := range a {
		if _, err := k.Open("here", id, a[:n]); err == nil {
			t.Errorf("the first %d bytes opened", n)
		}
	}
}

// TestAClaimOfADeadWorkerEnds holds that a question whose worker died is asked
// by another.
func TestAClaimOfADeadWorkerEnds(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	hash := memotest.Hash("dead")
	s.as(org, func(tx *postgres.Tx) error {
		s.exec(tx, `insert into bartizan.memo_claim (call_hash, holder, until) values ($1, 'dead', now() + interval '200 milliseconds')`, hash)
		return nil
	})
	unlock, err := s.Memo(org, system, nil).Lock(t.Context(), hash)
	s.must(err)
	if until := scan[float64](s, `select extract(epoch from until - now()) from bartizan.memo_claim`); until < 1 {
		t.Errorf("the claim that was taken over ends in %v s", until)
	}
	unlock()
	if n := scan[int](s, `select count(*) from bartizan.memo_claim`); n != 0 {
		t.Errorf("%d claims are left", n)
	}
}

func TestWhichSystemsAnAnswerServedIsNoted(t *testing.T) {
	s := open(t)
	org := s.organization()
	one, two := s.system(org), s.system(org)
	hash := memotest.Hash("shared")
	s.must(s.Memo(org, one, nil).Put(t.Context(), hash, answer("x")))
	for range 2 {
		if _, ok, err := s.Memo(org, two, nil).Get(t.Context(), hash); !ok || err != nil {
			t.Fatalf("the other system got %v, %v", ok, err)
		}
	}
	if _, ok, _ := s.Memo(s.organization(), two, nil).Get(t.Context(), hash); ok {
		t.Error("another organization got the answer")
	}
	if n := scan[int](s, `select count(*) from bartizan.memo_use`); n != 2 {
		t.Errorf("%d uses were noted, want that of each system", n)
	}
}
