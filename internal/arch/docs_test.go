package arch

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	code    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

// pages are the Markdown files of the repository, by path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "var"}, d.Name()):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".md":
			return nil
		}
		text, err := os.ReadFile(file)
		name, rerr := filepath.Rel(root, file)
		if err == nil {
			err = rerr
		}
		found[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// links are the relative targets of a page, without those in code.
func links(text string) (list []string) {
	text = code.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if u, err := url.Parse(m[1]); err != nil || u.Scheme == "" {
			list = append(list, m[1])
		}
	}
	return list
}

// anchors are what the headings of a page are called in links, as GitHub makes it.
func anchors(text string) (list []string) {
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		list = append(list, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				return r
			}
			return -1
		}, strings.ToLower(m[1])))
	}
	return list
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for name, text := range all {
		for _, l := range links(text) {
			file, anchor, _ := strings.Cut(l, "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: the link %s leads nowhere: write that page, or take the link out", name, l)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s: the link %s leads to no heading: %s has %v", name, l, target, anchors(all[target]))
			}
		}
	}
}

// TestPagesAreReachable: a page that nobody finds is as good as none.
func TestPagesAreReachable(t *testing.T) {
	all := pages(t)
	listed := links(all["README.md"])
	for name := range all {
		if path.Dir(name) == "docs" && !slices.Contains(listed, name) {
			t.Errorf("%s is not in the table of README.md", name)
		}
	}
}

func TestLinksAreSeen(t *testing.T) {
	got := links("[a](x.md) ![b](y.png) [c](https://example.org) `[d](no)`\n```\n[e](no)\n```\n[f](z.md#g-h)")
	if want := []string{"x.md", "y.png", "z.md#g-h"}; !slices.Equal(got, want) {
		t.Errorf("links: %v, want %v", got, want)
	}
	if got := anchors("# One: two\n```\n# no\n```\n## A `b` c\n"); !slices.Equal(got, []string{"one-two", "a-b-c"}) {
		t.Errorf("anchors: %v", got)
	}
}
