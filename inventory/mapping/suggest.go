package mapping

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"socle/inventory/sheet"
)

// hint is how a column is called in lists of vendors and integrators.
type hint struct {
	column string
	like   *regexp.Regexp
}

func hints(pairs ...string) (all []hint) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, hint{pairs[i], regexp.MustCompile(`(?i)` + pairs[i+1])})
	}
	return all
}

// bmc is how vendors call the management controller.
const bmc = `(idrac|ilo|bmc|ipmi|xcc|imm|irmc|cimc|mgmt|management|oob)`

// known are the hints for a kind of file, in the order in which they are tried: what is said more exactly comes first.
func known(of string) []hint {
	if of == Delivery {
		return hints(
			"number", `^(po|purchase order|order|customer po|delivery)( ?(no|number|nr|#|id))?\.?$`, "vendor", `^(vendor|supplier|manufacturer|lieferant)$`,
			"expected", `(expected|eta|ship|delivery) ?(date)?$`, "ordered", `^(order )?date$|^ordered( on)?$`,
			"unit_price", `^(unit|net|list)? ?price( each)?$|^each$`, "currency", `^(currency|cur)$`, "quantity", `^(qty|quantity|menge|count|pcs)\.?( ordered)?$`,
			"part_number", `^(part|product|article|sku|p/n|mfr part|material)[ -]?(no|number|nr|code|id|#)?\.?$`,
			"model", `^(server )?model( name)?$`, "description", `desc|text|bezeichnung`, "line", `^(line|item|pos|position)( ?(no|number|#))?\.?$|^#$`,
		)
	}
	return hints(
		"bmc_password", bmc+`.*(pass|pwd|pw$)|(default|factory|unique).*(pass|pwd)`, "bmc_mac", bmc+`.*mac|mac.*`+bmc,
		"bmc_user", bmc+`.*(user|login|account)`, "bmc_address", bmc+`.*(ip|addr|host)`,
		"nic_macs", `(nic|lom|eth|port|network|lan|embedded|slot|pxe|ocp).*mac|^macs?( ?addr(ess)?(es)?)? ?#?\d*$`,
		"uuid", `^(system )?uuid$`, "asset_tag", `^(asset|inventory)( ?(tag|no|number|id|#))?\.?$`,
		"serial", `^(service ?tag|s/?n|(system|server|chassis|unit|product)? ?serial( ?(no|number|nr|#))?\.?)$`,
		"delivery", `^(customer )?(po|purchase order|order|delivery)( ?(no|number|nr|#|id))?\.?$`,
		"model", `^(server|system|product)? ?(model|type|platform)( name| no| number)?\.?$|^product name$|^machine type$`,
		"name", `^(host|server|node|system)? ?name$|^hostname$`, "site", `^(site|data ?cent(er|re)|dc)( name)?$`, "room", `^(room|hall|suite)$`, "row", `^(row|aisle)$`,
		"rack", `^(rack|cabinet)( ?(no|number|name|id|#))?\.?$`, "u", `^(u|ru|rack ?unit|u[ -]?pos(ition)?|unit|position|start u|bottom u)\.?$`, "height", `^(height|u height|size|height \(u\))$`,
		"face", `^(face|side)$`, "role", `^(role|function|purpose)$`,
	)
}

// Suggestion is a mapping that may fit a file, and the columns of the file that it leaves out.
type Suggestion struct {
	Text   string
	Sheet  string
	Row    int
	Unused []string

	form sheet.Form
}

// Suggest makes a mapping for a file from the row, among its first, of which it knows the most columns. It looks at names
// only, never at what stands below them.
func Suggest(src sheet.Source, of, name string, layout sheet.Layout) (Suggestion, error) {
	var best []string
	var out Suggestion
	most := 0
	src, out.form = sheet.Foreign(src)
	for _, s := range src.Sheets() {
		rec, err := src.Open(s)
		if err != nil {
			return out, fmt.Errorf("suggesting a mapping: %w", err)
		}
		for range sheet.HeaderRows {
			fields, line, err := rec.Next()
			var flaw *sheet.Flaw
			if errors.Is(err, io.EOF) || errors.As(err, &flaw) && flaw.Fatal {
				break
			}
			if err != nil && flaw == nil {
				return out, fmt.Errorf("suggesting a mapping: line %d: %w", line, err)
			}
			if found, _ := recognise(fields, of, layout); len(found) > most {
				most, best, out.Sheet, out.Row = len(found), fields, s, line
			}
		}
	}
	if most == 0 {
		return out, fmt.Errorf("none of the first %d rows looks like a header: write the mapping by hand, see docs/manifest.md", sheet.HeaderRows)
	}
	found, unused := recognise(best, of, layout)
	out.Unused = unused
	var err error
	out.Text, err = write(name, of, out, found)
	return out, err
}

// recognise tells which columns of a header are which of ours, and which are none.
func recognise(header []string, of string, layout sheet.Layout) (found map[string]texts, unused []string) {
	found = map[string]texts{}
	for _, h := range header {
		named := sheet.Plain(h)
		if named == "" {
			continue
		}
		taken := false
		for _, k := range known(of) {
			_, list := layout.Lists[k.column]
			if (list || found[k.column] == nil) && k.like.MatchString(named) {
				found[k.column], taken = append(found[k.column], strings.Join(strings.Fields(h), " ")), true
				break
			}
		}
		if !taken {
			unused = append(unused, strings.Join(strings.Fields(h), " "))
		}
	}
	return found, unused
}

// factory is the account that a kind of BMC has when it comes.
var factory = []struct{ like, user string }{{"idrac", "root"}, {"ilo", "Administrator"}, {"xcc", "USERID"}, {"bmc", "ADMIN"}, {"ipmi", "ADMIN"}}

func write(name, of string, s Suggestion, found map[string]texts) (string, error) {
	w := map[string]any{"name": name, "of": of}
	columns := map[string]any{}
	for column, theirs := range found {
		if columns[column] = []string(theirs); len(theirs) == 1 {
			columns[column] = theirs[0]
		}
	}
	w["columns"] = columns
	if found["bmc_password"] != nil {
		constants := map[string]string{"bmc_protocol": "redfish"}
		said := strings.ToLower(fmt.Sprint(found))
		for _, f := range factory {
			if found["bmc_user"] == nil && strings.Contains(said, f.like) {
				constants["bmc_user"] = f.user
				break
			}
		}
		w["constants"] = constants
	}
	if s.Sheet != "" {
		w["sheet"] = s.Sheet
	}
	if s.form.Encoding != "" {
		w["encoding"] = s.form.Encoding
	}
	body, err := yaml.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("suggesting a mapping: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Made from the names in row %d; look at it, then: socle manifest mapping put FILE\n", s.Row)
	unused := slices.Clone(s.Unused)
	for _, u := range unused {
		fmt.Fprintf(&b, "# not used: %s\n", strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, u))
	}
	b.Write(body)
	return b.String(), nil
}
