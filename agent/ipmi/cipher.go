package ipmi

import (
	"context"
	"fmt"
	"slices"
)

// Parameters of a LAN channel that say which cipher suites it has, and up to which rights each may be used (IPMI 2.0
// table 23-4; the suites are in table 22-20).
const (
	lanSuites  = 23
	lanCeiling = 24
)

// suites are those that Socle logs in with, the better one first.
var suites = []byte{17, 3}

// openSuite sees to it that an administrator can log in by one of our cipher suites. A controller that does not tell is
// left as it is, and so are all other suites.
func openSuite(ctx context.Context, c Controller, channel byte) (notes []string, err error) {
	answer, err := c.Ask(ctx, getLAN, channel, lanSuites, 0, 0)
	if refused(err) || err == nil && len(answer) < 3 { // the parameter's revision, a reserved byte, the suites
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := answer[2:]
	ceiling, err := lan(ctx, c, channel, lanCeiling, 9)
	if err != nil || ceiling == nil {
		return nil, err
	}
	set := -1
	for _, suite := range suites {
		i := slices.Index(ids, suite)
		if i < 0 || i >= 16 {
			continue
		}
		if level(ceiling, i) >= administrator {
			return nil, nil
		}
		if set < 0 {
			set = i
		}
	}
	if set < 0 {
		return []string{fmt.Sprintf("the BMC has none of the cipher suites %v, by which it could be logged into", suites)}, nil
	}
	setLevel(ceiling, set, administrator)
	_, err = c.Ask(ctx, setLAN, append([]byte{channel, lanCeiling}, ceiling...)...)
	if refused(err) {
		return []string{"no cipher suite lets administrators in, and that could not be changed: " + err.Error()}, nil
	}
	return nil, err
}

// level is the highest right of the nth suite: four bits each behind a reserved byte, the first in the lower half.
func level(ceiling []byte, n int) byte { return ceiling[1+n/2] >> (4 * (n % 2)) & 0x0f }

func setLevel(ceiling []byte, n int, to byte) {
	b, shift := &ceiling[1+n/2], 4*(n%2)
	*b = *b&^(0x0f<<shift) | to<<shift
}
