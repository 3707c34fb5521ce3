package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Why a message to a webhook is not to be trusted.
var (
	ErrUnsigned  = errors.New("the message carries no webhook-id, webhook-timestamp or webhook-signature")
	ErrSignature = errors.New("the message is not signed with this secret")
	ErrTimestamp = errors.New("the message is too old, or from the future: it may have been recorded and sent again")
)

// Verify checks that a message to a webhook comes from the server that made the
// secret, and recently: its time may differ from now by at most the tolerance;
// 5 minutes are usual. The body must be the bytes as they came. Secret is that
// of the webhook, whsec_...
//
// The message's id, in the header webhook-id, is the same when it is sent
// again: who must not act twice keeps it.
func Verify(header http.Header, body []byte, secret string, tolerance time.Duration, now time.Time) error {
	id, at, signatures := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), header.Get("Webhook-Signature")
	if id == "" || at == "" || signatures == "" {
		return ErrUnsigned
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return fmt.Errorf("the secret of a webhook reads whsec_ and base64: %w", ErrSignature)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	if !signed(signatures, mac.Sum(nil)) {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return ErrTimestamp
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return ErrTimestamp
	}
	return nil
}

// signed reports whether one of the signatures, which are several while a
// secret is changed, is the sum.
func signed(signatures string, sum []byte) bool {
	ok := false
	for _, s := range strings.Fields(signatures) {
		given, isV1 := strings.CutPrefix(s, "v1,")
		raw, err := base64.StdEncoding.DecodeString(given)
		if isV1 && err == nil && hmac.Equal(raw, sum) {
			ok = true
		}
	}
	return ok
}
