// Package e2e tests the whole of Socle with the real thing: the programs that `make build` makes, QEMU servers
// with real firmware, IPMI and Redfish BMCs, and a Debian that is booted from the disk it was written to.
//
// TestCore… is the main road and runs with all other tests. The matrix of faults has the build tag e2e, and names
// with E2E in them: `make e2e`. Each test brings up its own rack and its own server and takes both down; what
// takes long to make (ramdisk, boot files, an image) is made once and kept in the folder SOCLE_E2E_DIR, by default
// in the user's cache folder. A test that cannot run fails; none is skipped.
package e2e
