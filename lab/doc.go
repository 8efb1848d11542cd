// Package lab is a virtual rack on one host: QEMU servers with real firmware (SeaBIOS, OVMF) that really boot
// from the network, a BMC for each (ipmi_sim or the Redfish emulator of package lab/redfish), switch ports that
// send LLDP, and one cable to the host.
//
// The rack lives in a network namespace of its own and is run by one supervisor process in it. Everything that
// belongs to a rack carries its name, so that it can be taken down completely even when the supervisor was
// killed. The package knows nothing of inventory, store or provisioning: for the rest of Socle a virtual rack is
// nothing but servers on a network.
package lab
