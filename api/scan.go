package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// PathBMCEvents is where BMCs post events; the machine's ID and a proof follow.
const PathBMCEvents = "/bmc/v1/events"

// PathScan is where controllers are looked for.
const PathScan = "/api/v1/bmc/scan"

// ScanRequest says where to look for management controllers: at addresses, at those of our own leases, and by asking
// everybody on the server's networks; at one of these at least. With a user and a password, those that are found are
// logged into once each, to learn whose they are.
type ScanRequest struct {
	Addresses string `json:"addresses,omitempty" maxLength:"4096" doc:"networks, addresses and ranges of them, separated by commas: 198.18.1.0/24,198.18.2.10-198.18.2.50"`
	Leases    bool   `json:"leases,omitempty" doc:"at the addresses that this server leases to others than known servers' network cards"`
	SSDP      bool   `json:"ssdp,omitempty" doc:"ask by SSDP who has a Redfish service"`
	MDNS      bool   `json:"mdns,omitempty" doc:"ask by multicast DNS likewise"`
	Interface string `json:"interface,omitempty" maxLength:"15" doc:"the server's interface to ask on; empty: all"`
	User      string `json:"user,omitempty" maxLength:"256"`
	Password  string `json:"password,omitempty" maxLength:"256"`
}

// Controller is a management controller that answers. What it does not say is empty.
type Controller struct {
	Address     string `json:"address" doc:"with the port, if Redfish is not at 443"`
	FoundBy     string `json:"found_by,omitempty" doc:"ssdp or mdns, when it told of itself; lease, when only its lease led there"`
	IPMI        bool   `json:"ipmi"`
	Redfish     string `json:"redfish,omitempty" doc:"version of the protocol, if it has Redfish"`
	Vendor      string `json:"vendor,omitempty"`
	Model       string `json:"model,omitempty" doc:"of the server when somebody logged in, else what the controller calls itself"`
	Serial      string `json:"serial,omitempty"`
	Firmware    string `json:"firmware,omitempty" doc:"of the controller"`
	Fingerprint string `json:"fingerprint,omitempty" doc:"SHA-256 of its certificate, in hexadecimal"`
	Machine     string `json:"machine,omitempty" doc:"the machine of the inventory that it is of"`
	MatchedBy   string `json:"matched_by,omitempty" doc:"address, serial or mac"`
	Problem     string `json:"problem,omitempty" doc:"why nobody could log in"`
}

// ScanLine is one line of the answer to a scan: a controller, what stopped the scan, or the end of it.
type ScanLine struct {
	Controller *Controller `json:"controller,omitempty"`
	Problem    *Problem    `json:"problem,omitempty"`
	Looked     int         `json:"looked,omitempty" doc:"on the last line: how many addresses were looked at"`
}

// Scan looks for controllers and calls each for those that are found, as they are found. It returns how many addresses
// were looked at.
func (c *Client) Scan(ctx context.Context, r ScanRequest, each func(Controller)) (looked int, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("encoding the request to %s: %w", PathScan, err)
	}
	resp, err := c.open(ctx, http.MethodPost, PathScan, nil, "application/json", bytes.NewReader(body), nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	for d := json.NewDecoder(resp.Body); ; {
		var line ScanLine
		if err := d.Decode(&line); err != nil {
			return 0, fmt.Errorf("reading what was found: the answer ended early: %w", errors.Join(err, ctx.Err()))
		}
		switch {
		case line.Problem != nil:
			return 0, line.Problem
		case line.Controller != nil:
			each(*line.Controller)
		default:
			return line.Looked, nil
		}
	}
}
