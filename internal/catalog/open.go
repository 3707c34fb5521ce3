package catalog

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
)

//go:embed *.yaml
var shipped embed.FS

// fitSuffix marks the fit table of a catalog that comes with the program.
const fitSuffix = ".fit.yaml"

// maxFile is the size in bytes that a catalog of one's own may have.
const maxFile = 16 << 20

// IDs are the catalogs that come with the program, sorted.
func IDs() []string {
	var out []string
	entries, _ := shipped.ReadDir(".") // an embedded folder can be read
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), fitSuffix) {
			out = append(out, strings.TrimSuffix(e.Name(), ".yaml"))
		}
	}
	return out
}

// openOnce are the catalogs that come with the program, each of which is read
// when it is first asked for: a service opens them for each analysis.
var openOnce = sync.OnceValue(func() map[string]func() (*Catalog, error) {
	out := map[string]func() (*Catalog, error){}
	for _, id := range IDs() {
		out[id] = sync.OnceValues(func() (*Catalog, error) { return openShipped(id) })
	}
	return out
})

// Open reads a catalog: one that comes with the program by its id, else the YAML
// file of that name. An error names the file, the line and the remedy.
func Open(idOrFile string) (*Catalog, error) {
	if open := openOnce()[idOrFile]; open != nil {
		return open()
	}
	raw, err := readFile(idOrFile)
	if err != nil {
		return nil, err
	}
	return Parse(idOrFile, raw)
}

// Parse reads a catalog of somebody's own; the name stands in errors.
func Parse(name string, raw []byte) (*Catalog, error) {
	f, err := decode(source{name, raw})
	if err != nil {
		return nil, err
	}
	for _, id := range IDs() {
		if f.ID == id {
			return nil, f.problem(path("id"), fmt.Sprintf("%q is a catalog that comes with the program", id), "choose an id of your own")
		}
	}
	return load(f)
}

func openShipped(id string) (*Catalog, error) {
	raw, err := shipped.ReadFile(id + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the catalog %s: %w", id, err)
	}
	f, err := decode(source{id + ".yaml", raw})
	if err != nil {
		return nil, err
	}
	raw, err = shipped.ReadFile(id + fitSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("reading the fit table of %s: %w", id, err)
	default:
		if err := f.addFit(source{id + fitSuffix, raw}); err != nil {
			return nil, err
		}
	}
	return load(f)
}

func load(f *file) (*Catalog, error) {
	table, err := weakness.Load()
	if err != nil {
		return nil, err
	}
	if err := f.check(table); err != nil {
		return nil, err
	}
	return newCatalog(f, table), nil
}

func readFile(name string) ([]byte, error) {
	known := strings.Join(IDs(), ", ")
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no catalog %q, and no file of that name: known are %s; a catalog of your own is given as the path of a YAML file", name, known)
	case err != nil:
		return nil, fmt.Errorf("reading the catalog: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file: give the YAML file of a catalog, or one of %s", filepath.Clean(name), known)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has %d bytes, a catalog at most %d: is it the right file?", name, info.Size(), maxFile)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	return raw, nil
}
