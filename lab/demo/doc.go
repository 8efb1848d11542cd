// Package demo is the main job shown from end to end on a virtual rack: three servers are found, booted over
// the network, looked at, matched to roles, deployed and verified, while the dashboard is up.
//
// It is a client of the same API as everybody else. It starts what a site would have already: the rack, the
// server, and a cloud controller with its object store's proxy. All that it keeps is in one folder; images are
// kept from run to run, everything else begins anew.
package demo
