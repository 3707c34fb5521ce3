package flow

import (
	"net/url"
	"path"
	"strings"
)

// maxTarget is the longest target of a link that is kept, in bytes.
const maxTarget = 300

// FileTarget is a target that may lead to another document of the same set,
// without its query; empty for one that leads elsewhere: to another host, to a
// place in the same document, out of any folder. Addresses of the web are not
// kept: they may hold credentials.
func FileTarget(target string) string {
	target = strings.TrimSpace(target)
	if target == "" || len(target) > maxTarget || strings.HasPrefix(target, "#") || strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\n\x00@") {
		return ""
	}
	u, err := url.Parse(strings.ReplaceAll(target, `\`, "/"))
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" {
		return ""
	}
	if u.Fragment != "" {
		return path.Clean(u.Path) + "#" + u.Fragment
	}
	return path.Clean(u.Path)
}
