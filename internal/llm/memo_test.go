package llm_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/llm/memotest"
)

func TestDiskMemoIsAMemo(t *testing.T) {
	dir := t.TempDir()
	memotest.Run(t, memotest.Subject{
		Open: func(t *testing.T) llm.Memo {
			m, err := llm.NewDiskMemo(dir)
			if err != nil {
				t.Fatal(err)
			}
			return m
		},
		Damage: func(t *testing.T, hash string) {
			if err := os.WriteFile(filepath.Join(dir, "answers", hash[:2], hash+".json"), []byte(`{"answer":{"ke`), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		Faults: func(t *testing.T, hash string) []string {
			names, err := filepath.Glob(filepath.Join(dir, "faults", hash+"-*.json"))
			if err != nil {
				t.Fatal(err)
			}
			return names
		},
	})
}
