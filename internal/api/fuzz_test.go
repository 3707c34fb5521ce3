package api

import (
	"bytes"
	"io"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// FuzzUpload holds that no body brings the reader of uploads down, that what it
// gives on is within the limits, and that a retry of it has the same print.
func FuzzUpload(f *testing.F) {
	for _, seed := range []string{
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a/b.md\"\r\n\r\ntext\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"files\":[{\"file\":\"a\",\"reference\":\"r\"}]}\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; filename*=UTF-8''%00\r\n\r\n\r\n--b\r\n\r\n--b--", "--b--", "",
	} {
		f.Add([]byte(seed))
	}
	limits := Limits{File: 50, Upload: 2000, Files: 3}.withDefaults()
	read := func(t *testing.T, body []byte) (*upload, int, error) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		u, err := newUpload(r, httptest.NewRecorder(), limits, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for file, err := range u.files {
			if err != nil {
				return u, n, err
			}
			content, err := io.ReadAll(file.Content)
			if err != nil {
				return u, n, err
			}
			if n++; n > 3 || len(content) > 50 || file.Reference == "" || !isText(file.Reference) || !isText(file.Name) {
				t.Fatalf("file %d: %+v with %d bytes", n, file, len(content))
			}
		}
		return u, n, nil
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		u, n, err := read(t, body)
		if err != nil {
			if p := problemOf(err); p.Status < 400 || p.Status >= 500 {
				t.Fatalf("a bad body is a fault of the server: %v", err)
			}
			return
		}
		again, m, err := read(t, body)
		if err != nil || m != n || !bytes.Equal(u.print.sum(), again.print.sum()) {
			t.Fatalf("the second time: %d files for %d, %v", m, n, err)
		}
	})
}

// FuzzTicket holds that a ticket of which one character is another is none.
func FuzzTicket(f *testing.F) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := bytes.Repeat([]byte{7}, 32)
	const path = "/v1/analyses/x/events"
	issued, err := newTickets(key).issue(service.Actor{Organization: uuid.UUID{15: 1}, Scopes: []resource.Scope{resource.ScopeAdmin}}, path, now)
	if err != nil {
		f.Fatal(err)
	}
	if a, err := newTickets(key).redeem(issued.Ticket, path, now); err != nil || a.Can(resource.ScopeAdmin) || !slices.Equal(a.Scopes, []resource.Scope{resource.ScopeRead}) {
		f.Fatalf("the ticket as it was issued: %+v %v", a, err)
	}
	f.Add(uint16(0), "A")
	f.Add(uint16(len(issued.Ticket)-1), "A")
	f.Add(uint16(20), "")
	f.Add(uint16(30), ".")
	f.Fuzz(func(t *testing.T, at uint16, instead string) {
		i := int(at) % len(issued.Ticket)
		ticket := issued.Ticket[:i] + instead + issued.Ticket[i+1:]
		if _, err := newTickets(key).redeem(ticket, path, now); (err == nil) != (ticket == issued.Ticket) {
			t.Fatalf("%q for %q: %v", ticket, issued.Ticket, err)
		}
	})
}
