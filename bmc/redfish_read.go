package bmc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/stmcginnis/gofish"
	gofishredfish "github.com/stmcginnis/gofish/redfish"

	"socle/inventory"
)

// redfishReader is one session of gofish. The contexts of its methods are those of open already.
type redfishReader struct {
	client *gofish.APIClient
	stop   func()
	known  func() (maker, bool) // who made the controller, as far as that was learned
	learn  func(maker)
	tree   tree
	last   []inventory.Sensor // as read in this session
	drawn  *float64           // watts, by PowerControl
	psus   []inventory.Supply // of this server alone, as read with the sensors
	wanted string             // the account whose password must be changed first, as far as that was said
	deaf   bool               // it restarts: there is nobody to take leave of
}

func (r *redfishReader) close(context.Context) {
	if !r.deaf {
		r.client.Logout()
	}
	r.stop()
}

// members reads the links of a collection that the service root names.
func (r *redfishReader) members(name string) ([]string, error) {
	var root map[string]json.RawMessage
	if err := r.get("/redfish/v1/", &root); err != nil {
		return nil, err
	}
	var at link
	if err := json.Unmarshal(root[name], &at); err != nil || !at.ok() {
		return nil, fmt.Errorf("%w: its service root names no %s", ErrUnsupported, name)
	}
	return r.linked(at.ID)
}

// linked reads the links of a collection.
func (r *redfishReader) linked(path string) ([]string, error) {
	var list struct{ Members []link }
	if err := r.get(path, &list); err != nil {
		return nil, err
	}
	var paths []string
	for _, m := range list.Members {
		if m.ok() {
			paths = append(paths, m.ID)
		}
	}
	return paths, nil
}

func (r *redfishReader) get(path string, v any) error {
	resp, err := r.client.Get(path)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return decodeLimited(resp.Body, v)
}

func decodeLimited(body io.Reader, v any) error {
	return json.NewDecoder(io.LimitReader(body, 4<<20)).Decode(v)
}

// systemPath is where the one server behind the controller is.
func (r *redfishReader) systemPath() (string, error) {
	paths, err := r.members("Systems")
	if err != nil {
		return "", err
	}
	if len(paths) != 1 {
		return "", fmt.Errorf("%w: it has %d systems, and which one is meant cannot be said yet", ErrUnsupported, len(paths))
	}
	return paths[0], nil
}

// system is the one server behind the controller.
func (r *redfishReader) system() (*gofishredfish.ComputerSystem, error) {
	path, err := r.systemPath()
	if err != nil {
		return nil, err
	}
	s, err := gofishredfish.GetComputerSystem(r.client, path)
	if err == nil {
		r.meet(s)
	}
	return s, err
}

// meet finds out who made the controller. The controller itself is asked only where the table of quirks tells its
// models apart, and once: a probe asks it anyway, and learns of a new firmware.
func (r *redfishReader) meet(s *gofishredfish.ComputerSystem) {
	m := maker{vendor: s.Manufacturer, model: s.Model}
	asks := asksManager(quirkTable(), m)
	if had, ok := r.known(); ok && had.vendor == m.vendor && had.model == m.model && (!asks || had.manager != "") {
		return
	}
	if asks {
		if x := r.manager(); x != nil {
			m.manager, m.firmware = x.Model, x.FirmwareVersion
		}
	}
	r.learn(m)
}

// manager is the first one; nil when there is none that can be read.
func (r *redfishReader) manager() *gofishredfish.Manager {
	paths, err := r.members("Managers")
	if err != nil || len(paths) == 0 {
		return nil
	}
	m, err := gofishredfish.GetManager(r.client, paths[0])
	if err != nil {
		return nil
	}
	return m
}

func (r *redfishReader) power(ctx context.Context) (inventory.Power, error) {
	s, err := r.system()
	if err != nil {
		return inventory.PowerUnknown, redfishError(ctx, err)
	}
	return normalPower(string(s.PowerState)), nil
}

// normalPower reads PowerState (DMTF schema Resource): on its way up counts as off and on its way down as on.
func normalPower(state string) inventory.Power {
	switch strings.ToLower(strings.TrimSpace(state)) {
	case "on", "poweringoff", "paused":
		return inventory.PowerOn
	case "off", "poweringon":
		return inventory.PowerOff
	default:
		return inventory.PowerUnknown
	}
}

// probe reads the system, and of the first manager what it tells.
func (r *redfishReader) probe(ctx context.Context) (Info, error) {
	s, err := r.system()
	if err != nil {
		return Info{}, redfishError(ctx, err)
	}
	i := Info{
		Protocol: inventory.Redfish, Vendor: s.Manufacturer, Model: s.Model, Serial: s.SerialNumber, UUID: strings.ToLower(s.UUID),
	}
	if m := r.manager(); m != nil {
		i.Firmware, i.MAC = m.FirmwareVersion, managerMAC(m)
		r.learn(maker{vendor: s.Manufacturer, model: s.Model, manager: m.Model, firmware: m.FirmwareVersion})
	}
	if ctx.Err() != nil {
		return Info{}, redfishError(ctx, ctx.Err())
	}
	return i, nil
}

func managerMAC(m *gofishredfish.Manager) string {
	nics, err := m.EthernetInterfaces()
	if err != nil {
		return ""
	}
	for _, n := range nics {
		for _, mac := range []string{n.PermanentMACAddress, n.MACAddress} {
			if mac = inventory.NormalizeMAC(mac); mac != "" {
				return mac
			}
		}
	}
	return ""
}
