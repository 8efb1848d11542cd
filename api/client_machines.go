package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Machines lists the machines by name; state and role, unless empty, choose among them.
func (c *Client) Machines(ctx context.Context, state, role string) ([]Machine, error) {
	q := url.Values{}
	if state != "" {
		q.Set("state", state)
	}
	if role != "" {
		q.Set("role", role)
	}
	var list MachineList
	err := c.request(ctx, http.MethodGet, PathMachines, q, nil, &list)
	return list.Machines, err
}

// Machine shows one machine, by name, ID or serial number, with facts and timing.
func (c *Client) Machine(ctx context.Context, ref string) (Machine, error) {
	var m Machine
	return m, c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref), nil, nil, &m)
}

// Orders lists the orders that a machine's agent was given, newest first.
func (c *Client) Orders(ctx context.Context, ref string) ([]OrderStatus, error) {
	var list OrderList
	err := c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref)+"/orders", nil, nil, &list)
	return list.Orders, err
}

// Evidence lists what a machine asked for when it booted, oldest first; 0 is the server's own limit.
func (c *Client) Evidence(ctx context.Context, ref string, limit int) ([]Evidence, error) {
	q := url.Values{}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	var list EvidenceList
	err := c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref)+"/evidence", q, nil, &list)
	return list.Evidence, err
}

// verb does something with a machine and returns it as it is then.
func (c *Client) verb(ctx context.Context, ref, verb string, body any) (Machine, error) {
	var m Machine
	return m, c.request(ctx, http.MethodPost, PathMachines+"/"+segment(ref)+"/"+verb, nil, body, &m)
}

// Deploy orders a deployment, which destroys what is on the machine's disks.
func (c *Client) Deploy(ctx context.Context, ref string, req DeployRequest) (Machine, error) {
	return c.verb(ctx, ref, "deploy", req)
}

// Hold keeps Socle's hands off a machine.
func (c *Client) Hold(ctx context.Context, ref, reason string) (Machine, error) {
	return c.verb(ctx, ref, "hold", HoldRequest{Reason: reason})
}

// Release ends a hold.
func (c *Client) Release(ctx context.Context, ref string) (Machine, error) {
	return c.verb(ctx, ref, "release", nil)
}

// Inspect has the hardware of a machine read again.
func (c *Client) Inspect(ctx context.Context, ref string, r InspectRequest) (Machine, error) {
	return c.verb(ctx, ref, "inspect", r)
}

// Test has a machine inspected and tested.
func (c *Client) Test(ctx context.Context, ref string, r TestRequest) (Machine, error) {
	return c.verb(ctx, ref, "test", r)
}

// StopTest ends the tests of a machine.
func (c *Client) StopTest(ctx context.Context, ref string) (Machine, error) {
	return c.verb(ctx, ref, "test/stop", nil)
}

// Medium asks for the kernel parameters of a boot medium for a machine; they hold a token.
func (c *Client) Medium(ctx context.Context, ref string, req MediumRequest) (MediumReply, error) {
	var reply MediumReply
	return reply, c.request(ctx, http.MethodPost, PathMachines+"/"+segment(ref)+"/medium", nil, req, &reply)
}

// Power changes or, with "status", reads the power of a machine and returns what its BMC says.
func (c *Client) Power(ctx context.Context, ref, action string) (string, error) {
	var reply PowerReply
	err := c.request(ctx, http.MethodPost, PathMachines+"/"+segment(ref)+"/power", nil, PowerRequest{Action: action}, &reply)
	return reply.Power, err
}

// PowerPolicy says what is done when the power of a machine is found otherwise than it was wanted last: accept, restore,
// alarm or default.
func (c *Client) PowerPolicy(ctx context.Context, ref, policy string) (Machine, error) {
	return c.verb(ctx, ref, "power-policy", PowerPolicyRequest{Policy: policy})
}

// BuildOut brings machines to work; none named means all of the plan that are not active.
func (c *Client) BuildOut(ctx context.Context, names ...string) (BuildOutReply, error) {
	var reply BuildOutReply
	return reply, c.request(ctx, http.MethodPost, PathBuildOut, nil, BuildOutRequest{Machines: names}, &reply)
}

// Roles lists the roles and their rules.
func (c *Client) Roles(ctx context.Context) ([]Role, error) {
	var list RoleList
	err := c.request(ctx, http.MethodGet, PathRoles, nil, nil, &list)
	return list.Roles, err
}

// Images lists the images of the store.
func (c *Client) Images(ctx context.Context) ([]Image, error) {
	var list ImageList
	err := c.request(ctx, http.MethodGet, PathImages, nil, nil, &list)
	return list.Images, err
}

// Subnets lists the networks on which DHCP is answered.
func (c *Client) Subnets(ctx context.Context) ([]Subnet, error) {
	var list SubnetList
	err := c.request(ctx, http.MethodGet, PathSubnets, nil, nil, &list)
	return list.Subnets, err
}

// Rotate begins, goes on with, or gives up a change of the login of a machine's BMC.
func (c *Client) Rotate(ctx context.Context, ref string, req RotateRequest) (RotateReply, error) {
	var reply RotateReply
	return reply, c.request(ctx, http.MethodPost, PathMachines+"/"+segment(ref)+"/bmc/rotate", nil, req, &reply)
}
