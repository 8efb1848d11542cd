package lab

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
)

// Manifest is the delivery manifest of the rack in CSV, as a vendor would send it: all servers but the strays,
// with the BMCs' passwords in clear. Treat it as the secret that it is.
func Manifest(s Spec) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// Writes to a buffer cannot fail, and csv.Writer fails with its writer only.
	_ = w.Write([]string{"name", "serial", "uuid", "rack", "u", "bmc_protocol", "bmc_address", "bmc_mac", "bmc_user", "bmc_password", "nic_macs"})
	for _, srv := range s.Servers {
		if srv.Stray {
			continue
		}
		macs := make([]string, 0, len(srv.NICs))
		for _, n := range srv.NICs {
			macs = append(macs, n.MAC)
		}
		_ = w.Write([]string{
			srv.Name, srv.Serial, srv.UUID, srv.Rack, strconv.Itoa(srv.U), string(srv.BMC.Protocol),
			srv.BMC.Address.String(), srv.BMC.MAC, srv.BMC.User, srv.BMC.Password.Reveal(), strings.Join(macs, ";"),
		})
	}
	w.Flush()
	return b.Bytes()
}
