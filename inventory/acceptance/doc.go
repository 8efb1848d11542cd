// Package acceptance judges machines: what was found and measured of each against the criteria of its model and the waivers
// of people, and what comes of it for a rack, a delivery or a site. It is pure: records go in, a report comes out.
//
// What nobody looked at is never taken for good: such a machine is open.
package acceptance
