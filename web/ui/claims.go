package ui

import (
	"net/url"

	"socle/api"
)

// Where the page of what vendors owe is, and the file of one vendor; the query chooses: machines, rack, delivery, vendor, and format of the file, csv or pdf.
const (
	ClaimsPath     = "/rma"
	ClaimsFilePath = "/rma/file"
)

// Claims is the page of the parts that vendors are to replace or to deliver.
type Claims struct {
	Query   api.RMAQuery
	Count   int
	Vendors []VendorClaims
}

// VendorClaims are those of one vendor.
type VendorClaims struct {
	Vendor   string
	Count    int
	CSV, PDF string // links to the list to send
	Claims   []Claim
	Hidden   int // that do not fit on the page
}

// Claim is one part.
type Claim struct {
	api.Claim
	Link  string // to the server
	Class string // of the tag that names the problem
}

// maxClaims bounds the parts of a vendor on the page.
const maxClaims = 200

func (Claims) name() string  { return "claims" }
func (Claims) title() string { return "For the vendors" }

// NewClaims makes the page.
func NewClaims(list api.ClaimList, q api.RMAQuery) Claims {
	p := Claims{Query: scrub(q), Count: len(list.Claims)}
	for _, vendor := range list.Vendors {
		one := q
		one.Vendor = vendor
		v := VendorClaims{Vendor: clean(vendor), CSV: claimsLink(ClaimsFilePath, one, "csv"), PDF: claimsLink(ClaimsFilePath, one, "pdf")}
		for _, c := range list.Claims {
			if c.Vendor != vendor {
				continue
			}
			if v.Count++; v.Count > maxClaims {
				v.Hidden++
				continue
			}
			class := "critical"
			if c.Problem == "slow" || c.Problem == "unstable" {
				class = "warning"
			}
			v.Claims = append(v.Claims, Claim{Claim: scrub(c), Link: "/machines/" + url.PathEscape(c.Server), Class: class})
		}
		p.Vendors = append(p.Vendors, v)
	}
	return p
}

// claimsLink leads to the page, or to a file in a format.
func claimsLink(path string, q api.RMAQuery, format string) string {
	v := url.Values{}
	for name, value := range map[string]string{"machines": q.Machines, "rack": q.Rack, "delivery": q.Delivery, "vendor": q.Vendor, "format": format} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}
