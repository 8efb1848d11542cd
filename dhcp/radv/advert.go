package radv

import (
	"net"
	"time"

	"github.com/mdlayher/ndp"

	"socle/inventory"
)

const (
	// How often an advertisement is sent unasked, at the most and at the least (RFC 4861 section 6.2.1), and the
	// first three of them.
	maxInterval     = 10 * time.Minute
	minInterval     = maxInterval / 3
	initialInterval = 16 * time.Second
	initialCount    = 3
	// minDelay is how far apart two advertisements are (MIN_DELAY_BETWEEN_RAS, section 10).
	minDelay = 3 * time.Second

	routerLifetime    = 3 * maxInterval
	prefixValid       = 24 * time.Hour
	prefixPreferred   = 4 * time.Hour
	resolverLifetime  = 3 * maxInterval // RFC 8106 section 5.1
	currentHopLimit   = 64
	solicitationLimit = 255 // hop limit of what no router has passed on
)

var allNodes, allRouters = net.ParseIP("ff02::1"), net.ParseIP("ff02::2")

// advertisement says what is told on an interface for its subnets. last is for the end: hosts stop to use
// this host as their router.
func advertisement(subnets []inventory.Subnet6, mac net.HardwareAddr, last bool) *ndp.RouterAdvertisement {
	ra := &ndp.RouterAdvertisement{CurrentHopLimit: currentHopLimit, ManagedConfiguration: true, OtherConfiguration: true}
	if len(mac) == 6 {
		ra.Options = append(ra.Options, &ndp.LinkLayerAddress{Direction: ndp.Source, Addr: mac})
	}
	for _, s := range subnets {
		if s.Router && !last {
			ra.RouterLifetime = routerLifetime
		}
		ra.Options = append(ra.Options, &ndp.PrefixInformation{PrefixLength: uint8(s.Prefix.Bits()), Prefix: s.Prefix.Masked().Addr(),
			OnLink: true, AutonomousAddressConfiguration: s.Autonomous && s.Prefix.Bits() == 64,
			ValidLifetime: prefixValid, PreferredLifetime: prefixPreferred})
		if len(s.DNS) > 0 {
			ra.Options = append(ra.Options, &ndp.RecursiveDNSServer{Lifetime: resolverLifetime, Servers: s.DNS})
		}
		if s.Domain != "" {
			ra.Options = append(ra.Options, &ndp.DNSSearchList{Lifetime: resolverLifetime, DomainNames: []string{s.Domain}})
		}
	}
	return ra
}
