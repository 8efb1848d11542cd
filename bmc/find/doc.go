// Package find looks for management controllers on a network without logging in anywhere: first an RMCP presence
// ping to each address (DSP0136, IPMI 2.0 section 13.2.3), one datagram and no session, then the root of a Redfish
// service (DSP0266 section 6.2), which is read without a password. Both are paced and bounded: a scan must disturb
// neither the controllers, many of which freeze under a burst, nor the network.
package find
