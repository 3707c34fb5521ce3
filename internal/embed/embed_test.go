package embed_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/embed"
)

func builtin(t testing.TB) embed.Embedder {
	t.Helper()
	e, err := embed.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func cosine(t *testing.T, e embed.Embedder, a, b string) float64 {
	t.Helper()
	c, err := embed.Cosine(t.Context(), e, a, b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBuiltinPutsTheSameMatterNearer(t *testing.T) {
	e := builtin(t)
	for _, c := range []struct{ name, text, near, far string }{
		{
			"forms of a word", "Tokens are signed by the identity provider.", "The identity provider signs every token.",
			"Backups are copied to a second region every night.",
		},
		{
			"words of one family", "authentication of operators", "The authenticator asks the operator for a second factor.",
			"Invoices are rendered as PDF.",
		},
		{
			"a typing error", "The gatway forwards requests.", "The gateway accepts requests from the internet.",
			"Retention of audit records is seven years.",
		},
		{
			"rare words before common ones", "The deserialization of cookies is a risk of the system.",
			"Session cookies are deserialized with a Java library.", "The risk of the system is assessed by the team.",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far := cosine(t, e, c.text, c.near), cosine(t, e, c.text, c.far)
			if near < far+0.1 {
				t.Errorf("near %.3f, far %.3f: want the first clearly above", near, far)
			}
		})
	}
}

func TestBuiltinIsTheSameOnEveryMachine(t *testing.T) {
	// Vectors are kept and compared over machines: when one changes, so must
	// the name.
	e := builtin(t)
	if e.Name() != "builtin-hash512-v1-words1" || e.Dimensions() != 512 {
		t.Fatalf("the built-in embedding is %s with %d dimensions: renew the constants below", e.Name(), e.Dimensions())
	}
	v, err := e.Embed(t.Context(), []string{"Passwords are stored with bcrypt."})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for i, x := range v[0] {
		sum += float64(i+1) * float64(x)
	}
	if want := -521.842461; math.Abs(sum-want) > 1e-4 {
		t.Errorf("the vector has the checksum %.6f, want %.6f", sum, want)
	}
}

func TestBuiltinVectorsHaveLengthOne(t *testing.T) {
	e := builtin(t)
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "texts")
		together, err := e.Embed(context.Background(), texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			alone, err := e.Embed(context.Background(), []string{text})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(alone[0], together[i]) {
				t.Fatalf("%q has another vector in a batch than alone", text)
			}
			if n := float64(embed.Dot(alone[0], alone[0])); n != 0 && math.Abs(n-1) > 1e-5 {
				t.Fatalf("%q has a vector whose square is %v", text, n)
			}
		}
	})
}

func TestTextWithoutWordsIsNearNothing(t *testing.T) {
	e := builtin(t)
	for _, empty := range []string{"", " \n", "—", "the of and"} {
		if c := cosine(t, e, empty, "The database holds passwords."); c != 0 {
			t.Errorf("%q has the cosine %v with a sentence, want 0", empty, c)
		}
	}
}

func TestBuiltinStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := builtin(t).Embed(ctx, []string{"text"}); !errors.Is(err, stopped) {
		t.Errorf("got the error %v, want the cause", err)
	}
}
