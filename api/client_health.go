package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

func bmcPath(ref, what string) string { return PathMachines + "/" + segment(ref) + "/bmc" + what }

// BMC asks a machine's BMC who it is.
func (c *Client) BMC(ctx context.Context, ref string) (BMCInfo, error) {
	var out BMCInfo
	return out, c.request(ctx, http.MethodGet, bmcPath(ref, ""), nil, nil, &out)
}

// Sensors reads a machine's sensors from its BMC.
func (c *Client) Sensors(ctx context.Context, ref string) ([]Sensor, error) {
	var out SensorList
	err := c.request(ctx, http.MethodGet, bmcPath(ref, "/sensors"), nil, nil, &out)
	return out.Sensors, err
}

// EventLog reads a BMC's own log from where an earlier reading ended; "" is its beginning.
func (c *Client) EventLog(ctx context.Context, ref, after string) (LogList, error) {
	q := url.Values{}
	if after != "" {
		q.Set("after", after)
	}
	var out LogList
	return out, c.request(ctx, http.MethodGet, bmcPath(ref, "/log"), q, nil, &out)
}

// ClearLog empties a BMC's own log.
func (c *Client) ClearLog(ctx context.Context, ref string) error {
	return c.request(ctx, http.MethodDelete, bmcPath(ref, "/log"), nil, nil, nil)
}

// Firmware lists the firmware of a machine.
func (c *Client) Firmware(ctx context.Context, ref string) ([]Component, error) {
	var out FirmwareList
	err := c.request(ctx, http.MethodGet, bmcPath(ref, "/firmware"), nil, nil, &out)
	return out.Components, err
}

// ResetBMC restarts a BMC and returns when it answers again.
func (c *Client) ResetBMC(ctx context.Context, ref string) error {
	return c.request(ctx, http.MethodPost, bmcPath(ref, "/reset"), nil, nil, nil)
}

// Locate switches the locator light, for a time or, with 0, without end.
func (c *Client) Locate(ctx context.Context, ref string, on bool, last time.Duration) (string, error) {
	var out LocateReply
	err := c.request(ctx, http.MethodPost, PathMachines+"/"+segment(ref)+"/locate", nil, LocateRequest{On: on, Seconds: int(last / time.Second)}, &out)
	return out.Locator, err
}

// Health tells what is known of how a machine is, without asking its BMC.
func (c *Client) Health(ctx context.Context, ref string) (Health, error) {
	var out Health
	return out, c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref)+"/health", nil, nil, &out)
}

// Alarms lists the open alarms of all machines.
func (c *Client) Alarms(ctx context.Context) ([]Alarm, error) {
	var out AlarmList
	err := c.request(ctx, http.MethodGet, PathAlarms, nil, nil, &out)
	return out.Alarms, err
}
