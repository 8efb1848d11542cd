// Package offline is work in the aisle without a network: a signed snapshot of what a technician needs of some racks, a
// journal of what was done there, and the judgement of each act when it comes to the server later: it is applied, it says
// what is known already, or it is a conflict that a person decides.
//
// It knows no network, no database and no screen. A snapshot holds no secret; its signature says that an installation made
// it. A journal is chained by hashes, so that damage is seen; it proves nothing about who wrote it.
package offline
