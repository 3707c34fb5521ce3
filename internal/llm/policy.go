package llm

import (
	"net/url"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Allows reports whether text of documents of a class may go to an endpoint.
// Where no endpoints are listed, any is allowed; an empty class counts as the
// highest.
func Allows(listed []threatmodel.Endpoint, class, endpoint string) bool {
	if len(listed) == 0 {
		return true
	}
	classes := threatmodel.Classes()
	if class == "" {
		class = classes[len(classes)-1]
	}
	rank := slices.Index(classes, class)
	host := Host(endpoint)
	return slices.ContainsFunc(listed, func(e threatmodel.Endpoint) bool {
		return Host(e.URL) == host && slices.Index(classes, e.UpTo) >= rank
	})
}

// Host is the host of a URL, with its port where it names one; what is no URL is
// taken for a host.
func Host(s string) string {
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		return u.Host
	}
	return s
}

// Cost is what tokens of a model cost; nil where the prices do not name it.
func Cost(prices []threatmodel.Price, model string, in, out int) (total *float64, currency string) {
	for _, p := range prices {
		if p.Model == model {
			t := (float64(in)*p.Input + float64(out)*p.Output) / 1e6
			return &t, p.Currency
		}
	}
	return nil, ""
}

// Account writes into the record of a run what a client did for it.
func (c *Client) Account(run *threatmodel.Run) {
	stats := c.Stats()
	run.Endpoint, run.SchemaMode = c.Endpoint(), stats.Mode
	run.Calls, run.CachedCalls = stats.Calls, stats.Cached
	run.TokensIn, run.TokensOut = stats.TokensIn, stats.TokensOut
	for k, n := range stats.Faults {
		if run.Faults == nil {
			run.Faults = map[string]int{}
		}
		run.Faults[k] += n
	}
}
