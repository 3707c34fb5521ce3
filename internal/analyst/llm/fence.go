package llm

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Fence marks off what is taken from documents. The tag is derived from a
// secret of the installation and the fenced text: who writes a document cannot
// guess it, and the same text gives the same prompt.
type Fence struct {
	secret []byte
	// fixed replaces the tag where prompts are hashed.
	fixed string
}

// Placeholder is the fence with which input hashes are made.
var Placeholder = Fence{fixed: "TAG"}

// NewFence makes a fence of a secret.
func NewFence(secret []byte) Fence { return Fence{secret: secret} }

// Wrap puts the material, and what follows it if anything, between markers and
// says in the first line which tag they bear.
func (f Fence) Wrap(material, former string) string {
	tag := f.tag(material + "\x00" + former)
	var b strings.Builder
	fmt.Fprintf(&b, "The tag is %s.\n\n<<<%s\n%s\n%s>>>\n", tag, tag, material, tag)
	if former != "" {
		fmt.Fprintf(&b, "\n<<<%s\n%s\n%s>>>\n", tag, former, tag)
	}
	return b.String()
}

// tag derives the tag; it never occurs in the text itself.
func (f Fence) tag(text string) string {
	if f.fixed != "" {
		return f.fixed
	}
	for n := byte(0); ; n++ {
		mac := hmac.New(sha256.New, f.secret)
		mac.Write([]byte{n})
		mac.Write([]byte(text))
		tag := hex.EncodeToString(mac.Sum(nil)[:8])
		if !strings.Contains(text, tag) {
			return tag
		}
	}
}

// secretBytes is the length of an installation's secret.
const secretBytes = 32

// LoadSecret reads the installation's secret from a file, and makes one where
// there is none. Two processes that start at once end with the same secret.
func LoadSecret(path string) ([]byte, error) {
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for the fence's secret: %w", err)
	}
	raw := make([]byte, secretBytes)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("making the fence's secret: %w", err)
	}
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temp, []byte(hex.EncodeToString(raw)+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("writing the fence's secret: %w", err)
	}
	defer os.Remove(temp)
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("writing the fence's secret: %w", err)
	}
	return readSecret(path)
}

func readSecret(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(secret) < 16 {
		return nil, fmt.Errorf("%s holds no secret of Bartizan: delete it, and a new one is made", path)
	}
	return secret, nil
}
