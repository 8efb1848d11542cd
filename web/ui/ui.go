// Package ui is the dashboard: views made from the domain, templates that show them, a style sheet and a
// small script that keeps an open page fresh. It knows nothing of HTTP routing or of who may see what.
//
// What machines say of themselves is foreign: everything that is shown goes through scrub, which bounds it
// and takes out control characters, and then through html/template, which escapes it. There is no script
// and no style in the pages, so that a policy can forbid both.
package ui

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

// Page is a view that has a template.
type Page interface {
	name() string  // of the template
	title() string // of the window
}

// Frame is what is around every page.
type Frame struct {
	Version string
	Actor   string // who is logged in; empty: nobody
	CSRF    string // goes into every form
	Now     time.Time
}

// Pages renders views.
type Pages struct {
	byName map[string]*template.Template
	assets http.Handler
}

// New parses the templates.
func New() (*Pages, error) {
	p := &Pages{byName: map[string]*template.Template{}}
	for _, name := range []string{"overview", "machine", "outliers", "compare", "claims", "cabling", "acceptance", "certificates", "certificate", "plan", "deliveries", "places", "rack", "conflicts", "tests", "runs", "console", "login", "problem"} {
		t, err := template.New("layout.html").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/testing.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parsing the page %s: %w", name, err)
		}
		p.byName[name] = t
	}
	sub, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		return nil, fmt.Errorf("opening the assets: %w", err)
	}
	p.assets = cached(http.FileServerFS(sub))
	return p, nil
}

// Assets serves the style sheet, the script and the icon.
func (p *Pages) Assets() http.Handler { return p.assets }

// cached lets browsers keep assets a little: their content has no version in its name.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		next.ServeHTTP(w, r)
	})
}

// Render writes a page.
func (p *Pages) Render(w io.Writer, frame Frame, page Page) error {
	err := p.byName[page.name()].Execute(w, struct {
		Frame Frame
		Title string
		Name  string
		Page  Page
	}{frame, page.title(), page.name(), page})
	if err != nil {
		return fmt.Errorf("rendering the page %s: %w", page.name(), err)
	}
	return nil
}
