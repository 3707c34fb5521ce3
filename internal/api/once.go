package api

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/bartizan-security/bartizan/internal/service"
)

// keyHeader makes a POST safe to send again.
const keyHeader = "Idempotency-Key"

var keyParameter = &huma.Param{
	Name: keyHeader, In: "header",
	Description: "A value that the client makes up for this one request (a UUID, say) and sends again with every retry. " +
		"The request is done once; a retry gets the first answer again, with `Idempotent-Replayed: true`. " +
		"Kept for a day, by token.",
	Schema: &huma.Schema{Type: "string", MinLength: new(1), MaxLength: new(255)},
}

// once does a POST with an Idempotency-Key one time only: the first answer is
// kept and given again.
func (s *server) once(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	key := r.Header.Get(keyHeader)
	if key == "" {
		next(ctx)
		return
	}
	if p := checkKey(r.Header.Values(keyHeader)); p != nil {
		s.fail(w, r, p)
		return
	}
	x := exchangeOf(r.Context())
	k := &keyed{s: s, x: x, r: r, w: w, key: key, print: newPrint(r)}
	if !isMultipart(r) {
		whole, err := k.print.body(r, ctx.Operation().MaxBodyBytes)
		if err != nil {
			s.fail(w, r, s.told(x, err))
			return
		}
		if !whole {
			next(ctx) // too large: the refusal needs no key
			return
		}
	}
	k.run(ctx, next)
}

// checkKey refuses a key that cannot be kept.
func checkKey(given []string) *problem {
	if len(given) == 1 && len(given[0]) <= 255 && isPrintable(given[0]) {
		return nil
	}
	return newProblem(kindMalformed, keyHeader+" must be one value of 1 to 255 printable ASCII characters")
}

func isPrintable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return s != ""
}

func isMultipart(r *http.Request) bool {
	return strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/")
}

// keyed is one request with a key.
type keyed struct {
	s     *server
	x     *exchange
	r     *http.Request
	w     http.ResponseWriter
	key   string
	print *fingerprint
}

func (k *keyed) run(ctx huma.Context, next func(huma.Context)) {
	prior, err := k.s.cfg.Service.ClaimRequest(k.r.Context(), k.x.actor, k.key, k.print.known())
	switch {
	case err != nil:
		k.s.fail(k.w, k.r, k.s.told(k.x, err))
	case prior == nil:
		k.first(ctx, next)
	default:
		k.again(prior)
	}
}

// first does the request and keeps its answer, before anybody sees it.
func (k *keyed) first(ctx huma.Context, next func(huma.Context)) {
	held := &heldAnswer{header: k.w.Header().Clone()}
	kept := false
	defer func() {
		if !kept { // also after a panic: the next try is a first one
			k.forget()
		}
	}()
	r := k.r.WithContext(context.WithValue(k.r.Context(), printKey{}, k.print))
	next(humago.NewContext(ctx.Operation(), r, held))
	if held.keeps() && k.print.content != nil { // an upload that was refused half-way can be tried again
		kept = k.remember(held)
	}
	held.sendTo(k.w)
}

// keep is how long storing an answer may take after the client has gone.
const keep = 10 * time.Second

func (k *keyed) forget() {
	ctx, stop := context.WithTimeout(context.WithoutCancel(k.r.Context()), keep)
	defer stop()
	if err := k.s.cfg.Service.ForgetRequest(ctx, k.x.actor, k.key); err != nil {
		k.s.cfg.Log.WarnContext(ctx, "an idempotency key stays taken until it expires", "error", err, "request", k.x.id)
	}
}

func (k *keyed) remember(held *heldAnswer) bool {
	ctx, stop := context.WithTimeout(context.WithoutCancel(k.r.Context()), keep)
	defer stop()
	answer, err := held.sealed(k.x.secret)
	if err == nil {
		answer.Request = k.print.sum()
		err = k.s.cfg.Service.RememberAnswer(ctx, k.x.actor, k.key, answer)
	}
	if err != nil {
		k.s.cfg.Log.WarnContext(ctx, "an answer was not kept: a retry would be done anew", "error", err, "request", k.x.id)
	}
	return err == nil
}

// again answers a request whose key was used before.
func (k *keyed) again(prior *service.Remembered) {
	if prior.Status == 0 {
		p := newProblem(kindUnderWay, "the first request with this key is still being done; ask again in a moment")
		p.header.Set("Retry-After", "1")
		k.s.fail(k.w, k.r, p)
		return
	}
	if err := k.print.rest(k.s, k.r, k.w); err != nil {
		k.s.fail(k.w, k.r, k.s.told(k.x, err))
		return
	}
	if subtle.ConstantTimeCompare(prior.Request, k.print.sum()) != 1 {
		k.s.fail(k.w, k.r, newProblem(kindKeyReused, "this key was used for another request; make up a new one for each"))
		return
	}
	body, err := open(prior.Body, k.x.secret)
	if err != nil {
		k.s.fail(k.w, k.r, k.s.told(k.x, fmt.Errorf("opening the kept answer: %w", err)))
		return
	}
	for name, value := range prior.Header {
		k.w.Header().Set(name, value)
	}
	k.w.Header().Set("Idempotent-Replayed", "true")
	k.w.WriteHeader(prior.Status)
	_, _ = k.w.Write(body) // the caller may be gone
}

// heldAnswer holds an answer back until it is kept.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write implements io.Writer.
func (h *heldAnswer) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

// keeps reports whether the answer would be the same again. What may pass by
// itself is tried anew.
func (h *heldAnswer) keeps() bool {
	return h.status != 0 && h.status < 500 && h.status != http.StatusRequestTimeout && h.status != http.StatusTooManyRequests
}

func (h *heldAnswer) sendTo(w http.ResponseWriter) {
	for name, values := range h.header {
		w.Header()[name] = values
	}
	w.WriteHeader(or(h.status, http.StatusOK))
	_, _ = w.Write(h.body.Bytes()) // the caller may be gone
}

// keptHeaders are those of an answer that a retry needs.
var keptHeaders = []string{"Content-Type", "Etag", "Location"}

// sealed is the answer as it is stored. The body may hold what is stored
// nowhere else, such as a new token, or text that is purged later; so it is
// sealed with a key that comes from the caller's own secret, of which the
// database has but a hash.
func (h *heldAnswer) sealed(secret string) (service.Remembered, error) {
	header := map[string]string{}
	for _, name := range keptHeaders {
		if v := h.header.Get(name); v != "" {
			header[name] = v
		}
	}
	aead, err := sealer(secret)
	if err != nil {
		return service.Remembered{}, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return service.Remembered{Status: h.status, Header: header, Body: aead.Seal(nonce, nonce, h.body.Bytes(), nil)}, nil
}

func open(sealed []byte, secret string) ([]byte, error) {
	aead, err := sealer(secret)
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("it is cut short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
}

func sealer(secret string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "bartizan idempotency 1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// fingerprint tells whether two requests with one key are the same request.
type fingerprint struct {
	head [sha256.Size]byte
	// content is the hash of the body; that of an upload is known only when
	// its parts were read: their order and boundary do not matter.
	content []byte
}

type printKey struct{}

func printOf(ctx context.Context) *fingerprint {
	p, _ := ctx.Value(printKey{}).(*fingerprint)
	return p
}

func newPrint(r *http.Request) *fingerprint {
	return &fingerprint{head: sha256.Sum256([]byte(r.Method + " " + r.URL.RequestURI()))}
}

// body reads the body of a request, which stays readable. It is not whole
// where it is longer than the limit.
func (f *fingerprint) body(r *http.Request, limit int64) (whole bool, err error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit))
	if err != nil {
		return false, bodyError(err)
	}
	if int64(len(raw)) >= limit {
		r.Body = readCloser{io.MultiReader(bytes.NewReader(raw), r.Body), r.Body}
		return false, nil
	}
	sum := sha256.Sum256(raw)
	f.content = sum[:]
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return true, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// bodyError is what a caller is told when the body did not come.
func bodyError(err error) error {
	if isTimeout(err) {
		return problemOf(err)
	}
	return newProblem(kindMalformed, "the body did not come whole")
}

// rest reads what an upload holds, only to know whether it is the same.
func (f *fingerprint) rest(s *server, r *http.Request, w http.ResponseWriter) error {
	if f.content != nil {
		return nil
	}
	return s.printParts(r, w, f)
}

// known is the fingerprint as far as it is known before the body was read.
func (f *fingerprint) known() []byte {
	if f.content != nil {
		return f.sum()
	}
	return f.head[:]
}

func (f *fingerprint) sum() []byte {
	sum := sha256.Sum256(append(f.head[:len(f.head):len(f.head)], f.content...))
	return sum[:]
}
