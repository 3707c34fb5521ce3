package report_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var pictures = flag.String("pictures", "", "folder for pictures of the page in the browser, to look at")

// browser starts Chromium, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium at hand")
	}
	ctx, stop := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox))
	t.Cleanup(stop)
	do(t, ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		return err
	}))
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func run[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// watch collects what a page must not do: complain, or ask the network.
type watch struct {
	mu     sync.Mutex
	faults []string
}

func (w *watch) listen(t *testing.T, ctx context.Context) {
	t.Helper()
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			w.add("console: " + e.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			w.add("console call: " + string(e.Type))
		case *runtime.EventExceptionThrown:
			w.add("exception: " + e.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, "file://") && !strings.HasPrefix(u, "data:") {
				w.add("request: " + u)
			}
		case *page.EventJavascriptDialogOpening:
			w.add("dialog: " + e.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *watch) add(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, s)
}

// writePage writes a report and its texts as `analyze --out` does.
func writePage(t *testing.T, m *threatmodel.Model, texts report.Texts) string {
	t.Helper()
	dir := t.TempDir()
	var b bytes.Buffer
	if err := report.HTML(context.Background(), &b, m, texts); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.html"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return "file://" + filepath.Join(dir, "report.html")
}

// faultsInPage finds what would displease: what is wider than the page, links
// into the page that lead nowhere, ids that two elements have, and scripts,
// frames or images that are not ours.
const faultsInPage = `(() => {
  const out = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    out.push("page is " + document.documentElement.scrollWidth + " wide in " + width);
    for (const e of document.body.querySelectorAll("*"))
      if (e.getBoundingClientRect().right > width + 1 && !e.closest(".scroll")) out.push("  too wide: " + e.outerHTML.slice(0, 200));
  }
  for (const a of document.querySelectorAll("a[href^='#']"))
    if (!document.getElementById(decodeURIComponent(a.getAttribute("href").slice(1)))) out.push("leads nowhere: " + a.outerHTML);
  for (const e of document.querySelectorAll(".tag, .risk, .verdict"))
    if (e.offsetWidth && e.scrollWidth > e.clientWidth + 1 && e.textContent.length < 30) out.push("cut off: " + e.outerHTML);
  const ids = {};
  for (const e of document.querySelectorAll("[id]")) if (ids[e.id]++) out.push("twice: #" + e.id); else ids[e.id] = 1;
  for (const a of document.querySelectorAll("a[href]"))
    if (!/^(#|documents\/[^:]*$|https:\/\/(cwe|capec|attack)\.mitre\.org\/)/.test(a.getAttribute("href"))) out.push("foreign link: " + a.outerHTML);
  if (document.scripts.length !== 1) out.push(document.scripts.length + " scripts");
  for (const e of document.querySelectorAll("iframe, object, embed, img, form[action], link:not([rel=icon]), meta[http-equiv=refresh]")) out.push("foreign: " + e.outerHTML);
  for (const e of document.querySelectorAll("*")) for (const a of e.attributes) if (a.name.startsWith("on") || a.name === "style") out.push("attribute " + a.name + " on " + e.tagName);
  return out;
})()`

func TestPageInABrowser(t *testing.T) {
	m, texts := sample(t)
	hostile := hostileModel()
	for _, tt := range []struct {
		rule  string
		model *threatmodel.Model
		texts report.Texts
	}{
		{"the sample", m, texts},
		{"without texts", m, nil},
		{"an empty model", &threatmodel.Model{SchemaVersion: "1.0", System: "Empty"}, nil},
		{"hostile documents", hostile, hostileTexts(hostile)},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			ctx := browser(t)
			url := writePage(t, tt.model, tt.texts)
			var w watch
			w.listen(t, ctx)
			for _, width := range []int64{390, 1280} {
				do(t, ctx, chromedp.EmulateViewport(width, 844), chromedp.Navigate(url))
				for _, f := range run(t, ctx, chromedp.Evaluate[[]string](faultsInPage)) {
					t.Errorf("at %d px: %s", width, f)
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, f := range w.faults {
				t.Error(f)
			}
		})
	}
}

func TestPageFiltersAndOpensWhatALinkLeadsInto(t *testing.T) {
	m, texts := sample(t)
	ctx := browser(t)
	url := writePage(t, m, texts)
	do(t, ctx, chromedp.EmulateViewport(1280, 844), chromedp.Navigate(url))
	all := run(t, ctx, chromedp.Evaluate[int](countRows))
	do(t, ctx, chromedp.Click(`#filter input[value="critical"]`))
	high := run(t, ctx, chromedp.Evaluate[int](countRows))
	note := run(t, ctx, chromedp.Text("#shown"))
	do(t, ctx, chromedp.SendKeys(`#filter input[name="text"]`, "bucket"))
	found := run(t, ctx, chromedp.Evaluate[int](countRows))
	// A link to a threat that the filter hides shows it again.
	run(t, ctx, chromedp.Evaluate[int](`location.hash = "T-4K2M9Q"; 0`))
	cardShown := run(t, ctx, chromedp.Evaluate[bool](afterTurn(`!document.getElementById("T-4K2M9Q").hidden`), chromedp.EvalAwaitPromise))
	// A quote's link opens the document that it leads into.
	run(t, ctx, chromedp.Evaluate[int](`document.querySelector("article .quote footer a").click(); 0`))
	open := run(t, ctx, chromedp.Evaluate[bool](afterTurn(`document.querySelector(":target").closest("details").open`), chromedp.EvalAwaitPromise))
	shown := run(t, ctx, chromedp.Evaluate[bool](`(() => { const r = document.querySelector(":target").getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; })()`))
	if all != 8 || high != 7 || found != 1 || note != "7 of 8 shown" {
		t.Errorf("rows: %d, without critical %d (%q), with “bucket” %d; want 8, 7, 1", all, high, note, found)
	}
	if !cardShown || !open || !shown {
		t.Errorf("threat shown %v, document opened %v, quote in view %v", cardShown, open, shown)
	}
}

// afterTurn evaluates an expression when the page has handled its events.
func afterTurn(expression string) string {
	return `new Promise((done) => setTimeout(() => done(` + expression + `), 50))`
}

const countRows = `document.querySelectorAll("#index tbody tr:not([hidden])").length`

// TestPictures takes pictures for people to look at; see -pictures.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("no -pictures folder")
	}
	m, texts := sample(t)
	hostile := hostileModel()
	large := manyThreats(40)
	for name, url := range map[string]string{
		"sample": writePage(t, m, texts), "hostile": writePage(t, hostile, hostileTexts(hostile)), "large": writePage(t, large, nil),
	} {
		ctx := browser(t)
		for _, shot := range []struct {
			name, scheme string
			width        int64
		}{{"phone", "light", 390}, {"desktop", "light", 1440}, {"dark", "dark", 1280}, {"phone-dark", "dark", 390}} {
			media(t, ctx, shot.scheme)
			do(t, ctx, chromedp.EmulateViewport(shot.width, 900), chromedp.Navigate(url))
			picture(t, name+"-"+shot.name+".png", run(t, ctx, chromedp.FullScreenshot(100)))
		}
		media(t, ctx, "light")
		do(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url+"#text-1-q2"))
		picture(t, name+"-quoted.png", run(t, ctx, chromedp.CaptureScreenshot()))
		do(t, ctx, chromedp.Navigate(url))
		picture(t, name+"-print.pdf", run(t, ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPreferCSSPageSize())))
	}
}

// media has the browser prefer a colour scheme.
func media(t *testing.T, ctx context.Context, scheme string) {
	t.Helper()
	do(t, ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

func picture(t *testing.T, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(*pictures, name), raw, 0o644); err != nil {
		t.Fatal(err)
	}
}
