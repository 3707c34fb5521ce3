package postgres

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Keyring seals what rests encrypted in the database, by AES-256-GCM. The first
// key seals; the others open what they sealed before. A nil keyring seals
// nothing.
type Keyring struct {
	current string
	keys    map[string]cipher.AEAD
}

// ErrNoKey is given where something was sealed with a key that is not there.
var ErrNoKey = errors.New("it was sealed with a key that is not configured")

// ParseKeys reads keys as ID:KEY, separated by commas or white space, the one
// to seal with first. A key is 32 bytes in base 64; ids are up to the operator.
// No keys are a nil keyring.
func ParseKeys(s string) (*Keyring, error) {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' })
	if len(fields) == 0 {
		return nil, nil
	}
	k := &Keyring{keys: map[string]cipher.AEAD{}}
	for _, field := range fields {
		id, encoded, ok := strings.Cut(field, ":")
		if !ok || id == "" {
			return nil, errors.New("an encryption key is written as ID:KEY, the key as 32 bytes in base 64 (openssl rand -base64 32)")
		}
		if k.keys[id] != nil {
			return nil, fmt.Errorf("there are two encryption keys with the id %s", id)
		}
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("the encryption key %s is not 32 bytes in base 64 (openssl rand -base64 32)", id)
		}
		if k.keys[id], err = newAEAD(raw); err != nil {
			return nil, fmt.Errorf("the encryption key %s: %w", id, err)
		}
		if k.current == "" {
			k.current = id
		}
	}
	return k, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal encrypts, and gives the id of the key to keep beside; it is empty, and
// the text as it was, where there is no key. What was sealed opens only in the
// same place: a name of table and row.
func (k *Keyring) Seal(place string, plain []byte) (keyID string, sealed []byte) {
	if k == nil {
		return "", plain
	}
	aead := k.keys[k.current]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return k.current, aead.Seal(nonce, nonce, plain, []byte(place))
}

// Open decrypts what [Keyring.Seal] gave. It gives [ErrNoKey], or another error
// where the bytes are damaged or of another place.
func (k *Keyring) Open(place, keyID string, sealed []byte) ([]byte, error) {
	if keyID == "" {
		return sealed, nil
	}
	if k == nil || k.keys[keyID] == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, keyID)
	}
	aead := k.keys[keyID]
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("what was sealed is too short")
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("opening what was sealed with the key %s: %w", keyID, err)
	}
	return plain, nil
}
