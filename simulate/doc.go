// Package simulate is a fleet of servers without hardware, thousands of them in one process: each has a Redfish BMC
// (package lab/redfish), asks for its addresses by DHCP behind a relay, boots by HTTP what the scripts name, and runs the
// agent of package agent. What it is made of is drawn from the facts of real servers (package hardware/sample), and some
// have something wrong with them, to order. A Spec and its seed say all of it: the same fleet comes again.
//
// The fleet lives in a network namespace of its own, which ends with the process. It knows nothing of the server that is
// tested but what DHCP and boot scripts say.
package simulate
