package seed

import "fmt"

// LibvirtPort is where a hypervisor's libvirt listens for TLS.
const LibvirtPort = 16514

// ClientName is the common name of the one client certificate that hypervisors let in; it stands in the
// image's libvirtd.conf (tls_allowed_dn_list).
const ClientName = "socle"

// The ports of a storage node's servers, as Swift's documentation has them.
const (
	ObjectPort    = 6200
	ContainerPort = 6201
	AccountPort   = 6202
)

// libvirtFiles are the certificates at the places where libvirt looks for them (libvirt.org/kbase/tlscerts.html).
func (in Input) libvirtFiles() []fileSet {
	return []fileSet{
		{Path: "/etc/pki/CA/cacert.pem", Permissions: "0644", Content: string(in.CAPEM)},
		{Path: "/etc/pki/libvirt/servercert.pem", Permissions: "0644", Content: string(in.ServerCertPEM)},
		{Path: "/etc/pki/libvirt/private/serverkey.pem", Permissions: "0600", Content: in.ServerKeyPEM.Reveal()},
	}
}

// swiftFiles is swift.conf with the cluster's secret; its value was checked to be a plain word, because the
// format has no quoting.
func (in Input) swiftFiles() []fileSet {
	return []fileSet{{
		Path: "/etc/swift/swift.conf", Owner: "root:swift", Permissions: "0640",
		Content: SwiftConf(in.SwiftHashSuffix.Reveal()),
	}}
}

// SwiftConf is the file that all nodes and proxies of a cluster share.
func SwiftConf(hashSuffix string) string {
	return fmt.Sprintf("# By Socle. The suffix must never change: every stored object is found through it.\n"+
		"[swift-hash]\nswift_hash_path_suffix = %s\n\n"+
		"[storage-policy:0]\nname = Policy-0\ndefault = yes\n", hashSuffix)
}
