package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// MaxNICs is how many interfaces sightings can add to a machine.
const MaxNICs = 64

// Recognition is which machine an identity belongs to.
type Recognition struct {
	// Best is its number in the list that was asked, or -1: it is none of them.
	Best int
	// Merged is its identity with what was newly seen; News tells whether that, or Duplicates, is anything new.
	Merged Identity
	News   bool
	// Duplicates are unannounced sightings of the same machine, from before its serial was known.
	Duplicates []int
	// Conflicts are machines that share an address with what was seen and have another serial.
	Conflicts []int
}

// Recognise compares an identity, normalized, with machines that share something with it. ErrAmbiguous when it
// fits several equally well. All that keep machines decide by this.
func Recognise(known []Sketch, seen Identity) (Recognition, error) {
	r := Recognition{Best: -1}
	var fits []int
	for i := range known {
		switch known[i].Identity.compare(seen) {
		case Conflict:
			r.Conflicts = append(r.Conflicts, i)
		case Likely, Certain:
			fits = append(fits, i)
		case NoMatch:
		}
	}
	if len(fits) == 0 {
		return r, nil
	}
	doubtful := func(i int) bool { return known[i].State == Retired || known[i].Doubtful }
	if len(fits) > 1 {
		// What agrees in most comes first. Among equals those without a doubtful identity win.
		slices.SortStableFunc(fits, func(a, b int) int {
			sa, sb := known[a].Identity.score(seen), known[b].Identity.score(seen)
			switch {
			case sa != sb:
				return sb - sa
			case doubtful(a) == doubtful(b):
				return 0
			case doubtful(a):
				return 1
			default:
				return -1
			}
		})
		a, b := fits[0], fits[1]
		if known[a].Identity.score(seen) == known[b].Identity.score(seen) && doubtful(a) == doubtful(b) {
			return r, fmt.Errorf("%w: what is known of %s and of %s fits it equally well: add serials or MACs to the manifest, or retire one of them",
				ErrAmbiguous, known[a].Name, known[b].Name)
		}
	}
	r.Best = fits[0]
	best := &known[r.Best]
	r.Merged = best.Identity
	if !best.Identity.holds(seen) {
		if r.Merged = best.Identity.Merge(seen); len(r.Merged.NICMACs) > MaxNICs {
			r.Merged.NICMACs = best.Identity.NICMACs
		}
	}
	for _, i := range fits[1:] {
		k := &known[i]
		if k.State == Discovered && !k.InPlan && k.Identity.Serial == "" && best.Identity.score(seen) >= scoreSerial {
			r.Duplicates = append(r.Duplicates, i)
		}
	}
	r.News = len(r.Duplicates) > 0 || !r.Merged.Equal(best.Identity)
	return r, nil
}

const scoreSerial = 8

// score weighs what agrees: a serial says more than all the rest.
func (id Identity) score(seen Identity) int {
	n := 0
	if id.Serial != "" && strings.EqualFold(id.Serial, seen.Serial) {
		n += scoreSerial
	}
	if id.BMCMAC != "" && id.BMCMAC == seen.BMCMAC {
		n += 4
	}
	if overlap(id.NICMACs, seen.NICMACs) {
		n += 2
	}
	if id.UUID != "" && id.UUID == seen.UUID {
		n++
	}
	return n
}

// holds tells whether a normalized identity already says all that was seen.
func (id Identity) holds(seen Identity) bool {
	for _, p := range [][2]string{{id.Serial, seen.Serial}, {id.UUID, seen.UUID}, {id.BMCMAC, seen.BMCMAC}, {id.AssetTag, seen.AssetTag}} {
		if p[1] != "" && p[1] != p[0] {
			return false
		}
	}
	for _, mac := range seen.NICMACs {
		if !slices.Contains(id.NICMACs, mac) {
			return false
		}
	}
	return true
}

// Equal tells whether two normalized identities say the same.
func (id Identity) Equal(other Identity) bool {
	return id.Serial == other.Serial && id.UUID == other.UUID && id.BMCMAC == other.BMCMAC && id.AssetTag == other.AssetTag &&
		slices.Equal(id.NICMACs, other.NICMACs)
}
