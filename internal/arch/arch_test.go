package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath, Dir, Doc string
	Imports              []string
	GoFiles, TestGoFiles []string
	XTestGoFiles         []string
	TestImports          []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, "socle/")
		all = append(all, p)
	}
}

// own says for a package of ours which others of ours it may import; a trailing /... stands for everything
// below. A package that is not listed is an error: decide where it belongs.
var own = map[string][]string{
	"hardware":                {},
	"hardware/sample":         {"hardware"},
	"inventory":               {"hardware"},
	"inventory/verdict":       {"inventory", "hardware"},
	"inventory/sheet":         {"inventory"},
	"inventory/floor":         {"inventory", "inventory/sheet"},
	"inventory/elevation":     {"inventory"},
	"inventory/offline":       {"inventory", "inventory/cabling"},
	"inventory/signing":       {},
	"inventory/sheet/xlsx":    {"inventory/sheet"},
	"inventory/mapping":       {"inventory/sheet"},
	"inventory/delivery":      {"inventory", "inventory/sheet"},
	"inventory/manifest":      {"inventory", "inventory/sheet", "internal/secret"},
	"inventory/view":          {"inventory"},
	"inventory/baseline":      {"inventory"},
	"inventory/search":        {"inventory", "inventory/bom", "hardware"},
	"inventory/acceptance":    {"inventory", "hardware"},
	"inventory/certificate":   {"inventory", "inventory/acceptance", "inventory/bom", "inventory/signing", "hardware"},
	"inventory/compare":       {"inventory", "inventory/bom", "hardware"},
	"inventory/bom":           {"inventory", "inventory/baseline", "hardware"},
	"inventory/planner":       {"inventory", "hardware"},
	"inventory/outlier":       {"inventory", "hardware", "hardware/sample"},
	"assess":                  {"inventory"},
	"inventory/cabling":       {"inventory", "inventory/sheet", "hardware"},
	"inventory/netbox":        {"inventory", "inventory/cabling", "inventory/floor", "inventory/manifest", "inventory/sheet", "hardware"},
	"inventory/label":         {"inventory", "inventory/cabling"},
	"inventory/rma":           {"inventory", "inventory/bom", "inventory/sheet"},
	"inventory/netbox/live":   {"inventory/netbox", "internal/secret"},
	"inventory/store":         {"inventory/bom", "inventory/acceptance", "inventory/certificate", "inventory/signing", "inventory/offline", "inventory", "inventory/cabling", "inventory/manifest", "hardware", "internal/secret"},
	"api":                     {"hardware"},
	"agent":                   {"api", "hardware", "agent/..."},
	"agent/probe":             {"api", "hardware", "agent/ipmi"},
	"agent/ipmi":              {"hardware"},
	"agent/disk":              {"api", "hardware"},
	"agent/burnin":            {"api"},
	"agent/cable":             {"hardware"},
	"agent/smart":             {"agent/burnin"},
	"agent/boot":              {"api", "hardware", "agent/..."},
	"agent/kmod":              {},
	"agent/agenttest":         {"api"},
	"pxe":                     {"inventory", "pxe/tftp"},
	"pxe/tftp":                {},
	"pxe/tftp/tftptest":       {"pxe/tftp"},
	"dhcp":                    {"pxe", "inventory", "dhcp/replica"},
	"dhcp/replica":            {"inventory"},
	"dhcp/probe":              {"inventory"},
	"dhcp/dhcp6":              {"pxe", "inventory", "dhcp/replica"},
	"dhcp/radv":               {"inventory"},
	"dhcp/dhcptest":           {"inventory"},
	"bmc":                     {"inventory", "internal/secret"},
	"bmc/find":                {},
	"health":                  {"inventory", "internal/crowd"},
	"internal/crowd":          {},
	"internal/depot":          {},
	"console":                 {},
	"paper/certified":         {"paper", "inventory/acceptance", "inventory/certificate", "inventory/signing"},
	"paper":                   {},
	"paper/scan":              {},
	"console/gateway":         {"console"},
	"provision":               {"inventory", "inventory/baseline", "inventory/verdict", "api", "hardware", "internal/secret"},
	"images":                  {"api", "images/qcow2"},
	"images/qcow2":            {},
	"images/debian":           {},
	"images/ramdisk":          {"images/..."},
	"images/bootfile":         {"images/..."},
	"images/iso":              {},
	"images/recipe":           {"images/..."},
	"seed":                    {"inventory", "api", "internal/secret"},
	"verify":                  {"inventory", "seed", "internal/secret", "internal/pki"},
	"web":                     {"api", "console", "inventory", "inventory/acceptance", "inventory/cabling", "inventory/certificate", "inventory/elevation", "inventory/offline", "inventory/sheet", "inventory/signing", "inventory/verdict", "hardware", "internal/secret", "paper/certified", "paper/scan", "web/ui"},
	"web/ui":                  {"api", "hardware", "inventory", "inventory/elevation", "inventory/verdict"},
	"web/webtest":             {"inventory/acceptance", "inventory/certificate", "inventory/signing", "inventory/offline", "inventory/signing", "web", "console", "api", "inventory", "inventory/search", "inventory/floor", "inventory/netbox", "inventory/sheet/xlsx", "hardware", "internal/secret"},
	"lab":                     {"api", "lab/...", "internal/secret"},
	"lab/redfish":             {"internal/secret"},
	"lab/redfish/redfishtest": {"lab/redfish", "internal/secret"},
	"lab/cloud":               {"seed", "internal/secret"},
	"lab/demo":                {"api", "hardware", "lab", "lab/cloud", "internal/secret"},
	"simulate":                {"agent", "agent/burnin", "agent/disk", "api", "hardware", "hardware/sample", "internal/netns", "internal/secret", "lab/redfish"},
	"e2e":                     {"api", "lab", "images", "internal/secret", "internal/pgtest"},
	"e2e/why":                 {},
	"hack/screenshot":         {},
	"internal/arch":           {},
	"internal/netns":          {},
	"internal/nettest":        {"internal/netns"},
	"bench/document":          {},
	"bench/boot":              {"..."},
	"bench/bmc":               {"..."},
	"internal/testlog":        {},
	"internal/secret":         {},
	"internal/pki":            {},
	"internal/pgtest":         {},
	"internal/config":         {"inventory"},
	"internal/app":            {"..."},
	"cmd/socle":               {"..."},
	"cmd/socle-agent":         {"agent/...", "api"},
}

func allowed(list []string, path string) bool {
	return slices.ContainsFunc(list, func(a string) bool {
		if rest, ok := strings.CutSuffix(a, "..."); ok {
			return strings.HasPrefix(path, rest) || path == strings.TrimSuffix(rest, "/")
		}
		return a == path
	})
}

func TestImportsFollowTheArrows(t *testing.T) {
	for _, p := range packages(t) {
		may, known := own[p.ImportPath]
		if !known {
			t.Errorf("package %s has no place in the architecture: add it to the rules, with its arrows", p.ImportPath)
			continue
		}
		for _, i := range p.Imports {
			if path, ours := strings.CutPrefix(i, "socle/"); ours && !allowed(may, path) {
				t.Errorf("%s must not import %s", p.ImportPath, path)
			}
		}
	}
}

// only says which packages alone may import a library.
var only = map[string][]string{
	"gorm.io/":                        {"inventory/store"},
	"github.com/labstack/echo":        {"web"},
	"github.com/danielgtaylor/huma":   {"web"},
	"github.com/anatol/smart.go":      {"agent/smart"},
	"github.com/bmc-toolbox/bmclib":   {"bmc"},
	"github.com/stmcginnis/gofish":    {"bmc"},
	"github.com/gosnmp/gosnmp":        {"bmc"},
	"github.com/bougou/go-ipmi":       {"bmc", "bench/bmc"},
	"golang.org/x/crypto/ssh":         {"console/gateway", "internal/app", "bmc", "seed", "lab"},
	"github.com/coder/websocket":      {"web", "cmd/socle"},
	"github.com/pin/tftp":             {"pxe/tftp"},
	"github.com/xuri/excelize":        {"inventory/sheet/xlsx"},
	"github.com/insomniacslk/dhcp":    {"dhcp", "dhcp/probe", "dhcp/dhcp6", "agent/boot", "simulate"},
	"github.com/mdlayher/ndp":         {"dhcp/radv"},
	"github.com/riverqueue/river":     {"provision"},
	"github.com/digitalocean/go-qemu": {"lab"},
	"codeberg.org/go-pdf/fpdf":        {"paper"},
	"github.com/piglig/go-qr":         {"paper"},
	"github.com/makiuchi-d/gozxing":   {"paper/scan"},
}

func TestLibrariesStayInTheirPackage(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			for lib, homes := range only {
				if strings.HasPrefix(i, lib) && !slices.Contains(homes, p.ImportPath) {
					t.Errorf("%s imports %s, which only %v may", p.ImportPath, i, homes)
				}
			}
		}
	}
}

func TestPurePackagesUseTheStandardLibraryOnly(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains([]string{"hardware", "hardware/sample", "inventory", "inventory/elevation", "inventory/verdict", "api"}, p.ImportPath) {
			continue
		}
		for _, i := range p.Imports {
			if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s: it is to be pure", p.ImportPath, i)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("package %s has no package comment", p.ImportPath)
		}
	}
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	const maxFile, maxFunc = 500, 100
	for _, p := range packages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			file := filepath.Join(p.Dir, name)
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if n := fset.File(f.Pos()).LineCount(); n > maxFile {
				t.Errorf("%s/%s has %d lines, more than %d", p.ImportPath, name, n, maxFile)
			}
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if n := fset.Position(d.End()).Line - fset.Position(d.Pos()).Line; ok && n > maxFunc {
					t.Errorf("%s/%s: %s has %d lines, more than %d", p.ImportPath, name, fn.Name.Name, n, maxFunc)
				}
			}
		}
	}
}
