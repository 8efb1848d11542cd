// Package planner says which machines should get which roles before anything moves: "30 hypervisors and 6 storage nodes from
// these 41 servers, spread over racks". It is pure: machines, roles and wishes in, a plan out. A plan is the best there is:
// it fills as many places as can be filled, and among those plans it is the one with the least cost, see cost; both are
// what a minimum-cost maximum flow gives.
package planner
