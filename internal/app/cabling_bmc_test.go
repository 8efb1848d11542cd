package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"socle/internal/config"
	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// TestCablesOfBMCs swaps the cables of two controllers, which tell by Redfish what they hear: it is seen, put right and seen
// again, and what a controller that does not answer any more had heard is not known.
func TestCablesOfBMCs(t *testing.T) {
	fleet, err := redfishtest.Start(redfishtest.Specs(2, nil, "root", secret.New("0ther-Pa55")))
	must(t, err)
	defer func() { must(t, fleet.Close()) }()
	plug := func(server int, port string) {
		fleet.Members[server].BMC.Plug(&redfish.Neighbor{Chassis: "44:38:39:00:00:01", Port: port, System: "mgmt-1"})
	}
	plug(0, "Ethernet1/2")
	manifest, plan := "name,serial,bmc_protocol,bmc_address,bmc_user,bmc_password\n", "server,port,switch,switch_port\n"
	for i, m := range fleet.Members {
		manifest += fmt.Sprintf("%s,%s,redfish,%s,root,0ther-Pa55\n", m.Name, m.Serial, m.Address)
		plan += fmt.Sprintf("%s,BMC,mgmt-1,Eth1/%d\n", m.Name, i+1)
	}
	c := config.Default()
	c.DataDir, c.Listen, c.Health.Every = t.TempDir(), freeAddr(t), time.Second
	client, stop := serve(t, c)
	defer func() { stop() }()
	ctx := t.Context()
	_, err = client.Import(ctx, strings.NewReader(manifest), false)
	must(t, err)
	_, err = client.ImportCabling(ctx, strings.NewReader(plan), false, false)
	must(t, err)
	stop() // what is there at the start is looked at soon
	client, stop = serve(t, c)
	are := func(want string) {
		t.Helper()
		awaited(t, want, func() bool {
			r, err := client.CheckCabling(ctx, "")
			must(t, err)
			var all []string
			for _, p := range r.Ports {
				all = append(all, fmt.Sprintf("%s blind=%v", p.State, p.Blind))
			}
			return strings.Join(all, ", ") == want
		})
	}
	are("wrong-port blind=false, unseen blind=true")
	plug(1, "Ethernet1/1")
	are("swapped blind=false, swapped blind=false")
	plug(0, "Ethernet1/1")
	plug(1, "Ethernet1/2")
	are("right blind=false, right blind=false")
	fleet.Members[1].BMC.Plug(nil)
	are("right blind=false, unseen blind=true")
}
