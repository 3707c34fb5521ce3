package client_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/pkg/client"
)

// A message signed with openssl, as the specification of Standard Webhooks says:
//
//	printf '%s' 'msg_1.1772366400.{"type":"analysis.finished"}' |
//	  openssl dgst -sha256 -mac HMAC -macopt hexkey:3031323334353637383961626364656630313233343536373839616263646566 -binary | base64
const (
	hookSecret    = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	hookBody      = `{"type":"analysis.finished"}`
	hookTime      = "1772366400"
	hookSignature = "v1,DrXzVBSrrfJQIMOG5DqG9whDN9nAC1JGOKNanvr1CDs="
)

func TestVerify(t *testing.T) {
	good := http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {hookTime}, "Webhook-Signature": {hookSignature}}
	now := time.Unix(1772366400, 0)
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Set(name, value)
		if value == "" {
			h.Del(name)
		}
		return h
	}
	for name, tt := range map[string]struct {
		header       http.Header
		body, secret string
		now          time.Time
		want         error
	}{
		"as it was sent":                {header: good},
		"a bit late":                    {header: good, now: now.Add(4 * time.Minute)},
		"one of several signatures":     {header: with("Webhook-Signature", "v1,AAAA v2,xyz "+hookSignature)},
		"another body":                  {header: good, body: `{"type":"analysis.failed"}`, want: client.ErrSignature},
		"another id":                    {header: with("Webhook-Id", "msg_2"), want: client.ErrSignature},
		"another time":                  {header: with("Webhook-Timestamp", "1772366401"), want: client.ErrSignature},
		"another secret":                {header: good, secret: "whsec_AAAA", want: client.ErrSignature},
		"a secret that is none":         {header: good, secret: "secret!", want: client.ErrSignature},
		"an empty secret":               {header: good, secret: "whsec_", want: client.ErrSignature},
		"a signature of another scheme": {header: with("Webhook-Signature", "v2"+hookSignature[2:]), want: client.ErrSignature},
		"recorded and sent again":       {header: good, now: now.Add(6 * time.Minute), want: client.ErrTimestamp},
		"from the future":               {header: good, now: now.Add(-6 * time.Minute), want: client.ErrTimestamp},
		"without a signature":           {header: with("Webhook-Signature", ""), want: client.ErrUnsigned},
		"without an id":                 {header: with("Webhook-Id", ""), want: client.ErrUnsigned},
		"without a time":                {header: with("Webhook-Timestamp", ""), want: client.ErrUnsigned},
	} {
		t.Run(name, func(t *testing.T) {
			body, secret, at := hookBody, hookSecret, now
			if tt.body != "" {
				body = tt.body
			}
			if tt.secret != "" {
				secret = tt.secret
			}
			if !tt.now.IsZero() {
				at = tt.now
			}
			if err := client.Verify(tt.header, []byte(body), secret, 5*time.Minute, at); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}
