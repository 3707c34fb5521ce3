package cluster

import (
	"testing"
)

func TestInstallYAMLLoads(t *testing.T) {
	entries, err := installEntries()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.OS == "" || e.Server == "" || e.Vector == "" {
			t.Errorf("incomplete: %+v", e)
		}
		if e.PostgreSQL != 0 && (e.PostgreSQL < OldestVersion || e.PostgreSQL > NewestVersion) {
			t.Errorf("PostgreSQL %d is none that Bartizan works with: %+v", e.PostgreSQL, e)
		}
		if e.PostgreSQL == 0 && (e.Own || e.Repository != "") {
			t.Errorf("no version, but a choice by version: %+v", e)
		}
	}
}

func TestParsePlatform(t *testing.T) {
	got := parsePlatform("linux", "PRETTY_NAME=\"Linux Mint 22\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID='22'\n")
	if want := (Platform{OS: "linux", IDs: "linuxmint ubuntu debian", Version: "22"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCompareVersions(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"0.8.0", "0.8.0", 0}, {"0.8", "0.8.0", 0}, {"0.8.1", "0.8.0", 1}, {"0.10.0", "0.9.9", 1}, {"0.7.4", "0.8.0", -1}, {"1.0", "0.8.3", 1}} {
		if got := compareVersions(test.a, test.b); got != test.want {
			t.Errorf("compareVersions(%s, %s) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestSettingsAreQuoted(t *testing.T) {
	if got, want := settingsText(map[string]string{"b": "it's", "a": "1"}), "a = '1'\nb = 'it''s'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := identText(`a"b`, []string{"c d"}), "bartizan \"a\"\"b\" \"c d\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDefaultsFitEveryMachine(t *testing.T) {
	for gib, want := range map[int64]string{1: "128MB", 4: "512MB", 8: "1024MB", 256: "1024MB"} {
		if got := defaults(gib * gibibyte)["shared_buffers"]; got != want {
			t.Errorf("%d GiB: shared_buffers = %s, want %s", gib, got, want)
		}
	}
	if got := defaults(0)["shared_buffers"]; got != "64MB" {
		t.Errorf("unknown memory: shared_buffers = %s", got)
	}
}
