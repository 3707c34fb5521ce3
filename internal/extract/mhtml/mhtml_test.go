package mhtml

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

const header = "Date: Wed, 22 May 2024 10:00:00 +0000\r\nSubject: =?utf-8?Q?Caf=C3=A9?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary=\"b1\"; type=\"text/html\"\r\n\r\n"

func part(fields, body string) string { return "--b1\r\n" + fields + "\r\n\r\n" + body + "\r\n" }

const image = "Content-Type: image/png\r\nContent-Transfer-Encoding: base64"

func TestThePageIsTakenOut(t *testing.T) {
	latin := base64.StdEncoding.EncodeToString([]byte("<p>caf\xe9</p>"))
	tests := map[string]struct {
		message, html string
		cut           bool
	}{
		"quoted-printable": {
			header + part("Content-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable", "<p class=3D\"a\">caf=C3=A9 =\r\nau lait</p>") + part(image, "AAAA") + "--b1--\r\n",
			`<p class="a">café au lait</p>`, false,
		},
		"base64, in another encoding": {
			header + part("Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64", latin) + "--b1--\r\n", "<p>café</p>", false,
		},
		"an encoding that the page declares": {
			header + part("Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit", "<meta charset=windows-1252><p>caf\xe9</p>") + "--b1--\r\n", "<meta charset=windows-1252><p>café</p>", false,
		},
		"after a picture":  {header + part(image, "AAAA") + part("Content-Type: text/html", "<p>x</p>") + "--b1--\r\n", "<p>x</p>", false},
		"the first of two": {header + part("Content-Type: text/html", "<p>x</p>") + part("Content-Type: text/html", "<p>frame</p>") + "--b1--\r\n", "<p>x</p>", false},
		"parts in parts": {
			header + part("Content-Type: multipart/alternative; boundary=b2", "--b2\r\nContent-Type: text/plain\r\n\r\nno\r\n--b2\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b2--") + "--b1--\r\n", "<p>x</p>", false,
		},
		"a message of HTML alone": {"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<p>x</p>", "<p>x</p>", false},
		"one cut short":           {header + part("Content-Type: text/html", "<p>x</p>"), "<p>x</p>", true},
		"bytes that are no UTF-8": {header + part("Content-Type: text/html; charset=utf-8", "<p>\xff</p>") + "--b1--\r\n", "<p>\uFFFD</p>", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if !Is([]byte(tt.message)) {
				t.Error("it is not known for what it is")
			}
			p, err := Read(strings.NewReader(tt.message), 1<<20)
			if err != nil || p.HTML != tt.html || p.Cut != tt.cut {
				t.Errorf("page %q (cut: %v), %v; want %q", p.HTML, p.Cut, err, tt.html)
			}
		})
	}
}

func TestTheSubjectIsDecoded(t *testing.T) {
	p, err := Read(strings.NewReader(header+part("Content-Type: text/html", "<p>x</p>")+"--b1--"), 100)
	if err != nil || p.Subject != "Café" {
		t.Errorf("subject %q, %v", p.Subject, err)
	}
}

func TestWhatIsNoPageIsRefused(t *testing.T) {
	nested := "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", 20)
	tests := map[string]struct {
		message string
		err     error
	}{
		"too large a page":      {header + part("Content-Type: text/html", strings.Repeat("x", 2000)) + "--b1--", ErrTooLarge},
		"no page":               {header + part(image, "AAAA") + "--b1--", ErrNoPage},
		"no header":             {"<p>x</p>", ErrDamaged},
		"a boundary never seen": {header + "nothing", ErrNoPage},
		"parts without end":     {nested, ErrDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(strings.NewReader(tt.message), 1000); !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
		})
	}
}

func TestOtherTextIsNoWebArchive(t *testing.T) {
	for name, text := range map[string]string{
		"a letter":    "From: a@b\nSubject: x\n\nMIME-Version: 1.0\nContent-Type: multipart/related",
		"mail":        "MIME-Version: 1.0\nContent-Type: text/plain\n\nhello",
		"Markdown":    "# MIME-Version: 1.0\nContent-Type: text/html",
		"prose":       "Note well: MIME-Version: 1.0\nContent-Type: text/html\n\n",
		"nothing":     "",
		"a line only": "a: b",
	} {
		if Is([]byte(text)) {
			t.Errorf("%s is taken for one", name)
		}
	}
}

// FuzzRead holds that any message is read or refused, within the limit.
func FuzzRead(f *testing.F) {
	f.Add(header + part("Content-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable", "<p class=3D\"a\">caf=C3=A9</p>") + part(image, "AAAA") + "--b1--\r\n")
	f.Add(header + part("Content-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64", "PABwAD4A") + "--b1--\r\n")
	f.Add("MIME-Version: 1.0\nContent-Type: text/html\n\n<p>x</p>")
	f.Fuzz(func(t *testing.T, message string) {
		const limit = 4096
		p, err := Read(strings.NewReader(message), limit)
		if err == nil && len(p.HTML) > 3*limit {
			t.Errorf("a page of %d bytes", len(p.HTML))
		}
		Is([]byte(message))
	})
}
