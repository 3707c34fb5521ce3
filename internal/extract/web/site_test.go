package web

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// The pages have the frame that a host or generator puts around a text, with
// the names that it uses; the text in each is the same.
func TestPagesOfHostsAndGenerators(t *testing.T) {
	prose := "<p>" + strings.TrimSpace(filler) + "</p>"
	tests := []struct{ name, page string }{
		{"GitHub", `<html><body class="logged-out"><div class="position-relative header-wrapper"><a href="#start-of-content" class="p-3 show-on-focus">Skip to content</a><header class="HeaderMktg" role="banner"><nav><ul><li>Product</li></ul></nav></header></div>
<div class="application-main"><main id="js-repo-pjax-container"><div class="file-navigation">main / docs</div><article class="markdown-body entry-content" itemprop="text"><div class="markdown-heading"><h1 class="heading-element">Keys</h1><a id="user-content-keys" class="anchor" aria-label="Permalink: Keys" href="#keys"><svg></svg></a></div>` + prose + `<div class="highlight highlight-source-go notranslate"><pre>x := 1</pre><div class="zeroclipboard-container"><clipboard-copy>Copy</clipboard-copy></div></div></article></main></div><footer class="footer"><p>© GitHub</p></footer></body></html>`},
		{"GitLab", `<html><body class="ui-indigo"><header class="navbar">GitLab</header><aside class="super-sidebar"><ul><li>Issues</li></ul></aside><div class="content-wrapper"><main class="content" id="content-body"><div class="file-title">keys.md</div><div class="blob-viewer"><div class="file-content js-markup-content md"><h1 data-sourcepos="1:1-1:6"><a id="user-content-keys" class="anchor" href="#keys" aria-hidden="true"></a>Keys</h1>` + prose + `<div class="gl-relative markdown-code-block js-markdown-code"><pre class="code highlight js-syntax-highlight language-go"><code><span class="line">x := 1</span></code></pre><copy-code></copy-code></div></div></div></main></div></body></html>`},
		{"MkDocs Material", `<html><body dir="ltr"><div data-md-component="skip"><a href="#keys" class="md-skip">Skip to content</a></div><header class="md-header"><nav class="md-header__inner">Site</nav></header><div class="md-container"><main class="md-main"><div class="md-main__inner md-grid"><div class="md-sidebar md-sidebar--primary"><nav class="md-nav"><ul><li>Home</li></ul></nav></div><div class="md-content"><article class="md-content__inner md-typeset"><a href="edit" title="Edit this page" class="md-content__button md-icon"><svg></svg></a><h1 id="keys">Keys<a class="headerlink" href="#keys">¶</a></h1>` + prose + `<div class="language-go highlight"><pre><span></span><code><a id="__codelineno-0-1"></a>x := 1
</code></pre></div><aside class="md-source-file"><span>Last update: 2024</span></aside></article></div></div></main><footer class="md-footer">Made with</footer></div></body></html>`},
		{"Docusaurus", `<html><body class="navigation-with-keyboard"><div id="__docusaurus"><nav class="navbar">Site</nav><div id="__docusaurus_skipToContent_fallback" class="main-wrapper"><aside class="theme-doc-sidebar-container"><ul class="menu__list"><li>Intro</li></ul></aside><main class="docMainContainer"><div class="row"><div class="col"><article><nav class="theme-doc-breadcrumbs"><ul><li>Home</li></ul></nav><div class="theme-doc-markdown markdown"><header><h1>Keys</h1></header>` + prose + `<div class="language-go codeBlockContainer theme-code-block"><div class="codeBlockContent"><pre tabindex="0" class="prism-code language-go"><code class="codeBlockLines"><span class="token-line">x := 1<br></span></code></pre><div class="buttonGroup"><button>Copy</button></div></div></div></div><footer class="theme-doc-footer">Edit this page</footer></article></div><div class="col"><div class="table-of-contents">On this page</div></div></div></main></div><footer class="footer">Copyright</footer></div></body></html>`},
		{"Sphinx, Read the Docs", `<html class="writer-html5"><body class="wy-body-for-nav"><div class="wy-grid-for-nav"><nav class="wy-nav-side"><div class="wy-menu"><ul><li>Intro</li></ul></div></nav><section class="wy-nav-content-wrap"><div class="wy-nav-content"><div class="rst-content"><div role="navigation" aria-label="Page navigation"><ul class="wy-breadcrumbs"><li>Docs</li></ul></div><div role="main" class="document" itemscope="itemscope"><div itemprop="articleBody"><section id="keys"><h1>Keys<a class="headerlink" href="#keys">¶</a></h1>` + prose + `<div class="highlight-go notranslate"><div class="highlight"><pre><span></span>x := 1
</pre></div></div></section></div></div><footer><div role="contentinfo">© 2024</div></footer></div></div></section></div></body></html>`},
		{"mdBook", `<html class="light"><body><div id="page-wrapper"><nav id="sidebar"><ol><li>Intro</li></ol></nav><div class="page"><div id="menu-bar"><h1 class="menu-title">Book</h1></div><div id="content" class="content"><main><h1 id="keys"><a class="header" href="#keys">Keys</a></h1>` + prose + `<pre><code class="language-go">x := 1
</code></pre></main><nav class="nav-wrapper">Next</nav></div></div></div></body></html>`},
	}
	want := []string{`heading 1 "Keys"`, `paragraph 0 "` + strings.TrimSpace(filler) + `"`, `code 0 "x := 1"`}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, b := range read(t, tt.page, Options{}).Blocks {
				switch {
				case b.Role == threatmodel.RoleBody:
					got = append(got, string(b.Kind)+" "+string(rune('0'+b.Level))+` "`+b.Text+`"`)
					if b.Kind == threatmodel.BlockCode && b.Language != "go" {
						t.Errorf("code in %q", b.Language)
					}
				case strings.Contains(b.Text, "word word"):
					t.Errorf("the text has the role %s", b.Role)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("body (-want +got):\n%s", d)
			}
		})
	}
}
