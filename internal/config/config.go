// Package config reads the configuration: defaults, then a strict YAML file, then environment variables.
// Every value has a name in each of them. The reference in docs/configuration.md is generated from the
// types here and a test fails when they differ.
package config

import (
	"net/netip"
	"slices"
	"time"

	"socle/inventory"
)

// Config is everything that can be set. The doc tags are the reference.
type Config struct {
	Listen   string                 `yaml:"listen" doc:"host:port of API and dashboard, by HTTPS"`
	DataDir  string                 `yaml:"data_dir" doc:"folder for the embedded database, keys, certificates, images and the admin token"`
	Services []string               `yaml:"services" doc:"which parts this process runs: api, workers, dhcp, tftp, boot; empty: api and workers, and the others when there are subnets"`
	Database Database               `yaml:"database"`
	Agent    Agent                  `yaml:"agent"`
	Boot     Boot                   `yaml:"boot"`
	DHCP     DHCP                   `yaml:"dhcp"`
	Subnets  []Subnet               `yaml:"subnets" doc:"networks on which DHCP answers; none: DHCP is silent"`
	Subnets6 []Subnet6              `yaml:"subnets6" doc:"IPv6 networks on which DHCPv6 answers, and router advertisements are sent if they say so; none: no IPv6 boot"`
	Roles    []inventory.Role       `yaml:"roles" doc:"what a server can become; without any the built-in hypervisor and storage"`
	BurnIn   []inventory.BurnInPlan `yaml:"burnin" doc:"how servers are tested after each inspection, by model; none: they are not"`
	Outliers []OutlierRule          `yaml:"outliers" doc:"how far servers may be from their peers, by metric; what no rule is of: as built in"`
	Limits   Limits                 `yaml:"limits"`
	BMC      BMC                    `yaml:"bmc"`
	Health   Health                 `yaml:"health"`
	Power    Power                  `yaml:"power"`
	Firmware Firmware               `yaml:"firmware"`
	Console  Console                `yaml:"console"`
	Swift    Swift                  `yaml:"swift"`
	Log      Log                    `yaml:"log"`
}

// Database chooses the engine.
type Database struct {
	URL string `yaml:"url" doc:"postgres://… for PostgreSQL; empty: SQLite in the data folder. Also by DATABASE_URL" secret:"true"`
}

// Agent is how agents and deployed systems reach this server.
type Agent struct {
	URL   string   `yaml:"url" doc:"base URL of the API as servers see it; empty: https, the first subnet's server address and the port of listen"`
	Names []string `yaml:"names" doc:"further host names and addresses for the server's certificate"`
}

// Boot is the plain part of network boot.
type Boot struct {
	Listen   string `yaml:"listen" doc:"host:port of boot HTTP (plain: firmware and iPXE speak no TLS here); kernel and ramdisk come from it"`
	TFTP     string `yaml:"tftp" doc:"host:port of TFTP, for the first file, and for the kernel of a machine with Secure Boot; without a host on IPv4 and IPv6"`
	TLS      string `yaml:"tls_listen" doc:"host:port of boot HTTP over TLS, for firmware that boots by HTTPS (subnets with https); empty: none. Its certificate is of the authority in DIR/boot-ca.crt"`
	MediaURL string `yaml:"media_url" doc:"base URL under which BMCs reach the boot HTTP for virtual media; empty: as servers reach it"`
	Tries    int    `yaml:"tries" doc:"boots by one way that may fail to reach the agent before another way is tried"`

	TFTPRules []TFTPRule `yaml:"tftp_rules" doc:"limits for clients whose firmware asks TFTP for more than it can take; the first that fits holds"`
}

// TFTPRule limits the blocks and windows of some clients of TFTP.
type TFTPRule struct {
	MAC    string `yaml:"mac" doc:"beginning of the MAC address, such as 00:15:5d; empty: any. It is known of who has a lease of this server"`
	File   string `yaml:"file" doc:"end of the name that is asked for, such as .efi or undionly.kpxe; empty: any"`
	Block  int    `yaml:"block" doc:"largest block in bytes, 8 to 65464; 0: what one packet of the path carries. A larger one is cut into fragments"`
	Window int    `yaml:"window" doc:"largest window in blocks, 1 to 32767; 0: 64. 1 is no window"`
	Why    string `yaml:"why" doc:"what was seen, for who finds the rule later"`
}

// DHCP is about other servers on the subnets' networks.
type DHCP struct {
	Probe   bool         `yaml:"probe" doc:"look for other DHCP servers on the subnets' interfaces at the start, and say so in log and history; also find the MAC of one whose offer a machine took"`
	Allowed []netip.Addr `yaml:"allowed" doc:"addresses of other servers that are meant to answer there, such as the second Socle of a room"`
}

// Limits bound how long the parts of a machine's road may take; 0 takes the default.
type Limits struct {
	Boot      time.Duration `yaml:"boot" doc:"from power-on to the agent's first word"`
	Loader    time.Duration `yaml:"loader" doc:"from the first file that a server fetches to its question what to boot; then the next boot is tried"`
	AgentGone time.Duration `yaml:"agent_gone" doc:"silence after which an agent counts as gone"`
	PhoneHome time.Duration `yaml:"phone_home" doc:"from the restart to the deployed system's call"`
	Verify    time.Duration `yaml:"verify" doc:"for the look at a role from outside"`
	Inspect   time.Duration `yaml:"inspect" doc:"for the whole of inspecting; 0: as the life cycle says"`
	Deploy    time.Duration `yaml:"deploy" doc:"for the whole of deploying; 0: as the life cycle says"`
}

// BMC is how management controllers are believed.
type BMC struct {
	CAFile string `yaml:"ca_file" doc:"file with certificates of authorities, PEM; a BMC whose certificate one of them signed for its address is believed from the first login on. Socle's own authority always counts"`
}

// Firmware is how firmware comes to BMCs.
type Firmware struct {
	URL string `yaml:"url" doc:"base URL of the boot HTTP as BMCs see it, from which they fetch firmware; empty: http, the first subnet's server address and the port of boot.listen. Without boot HTTP here, files are pushed to the BMCs that take them"`
}

// Health is how servers are looked after through their BMCs.
type Health struct {
	Every    time.Duration `yaml:"every" doc:"how often each BMC is asked for sensors and its log; 0: never. Locator lights are switched off in time all the same"`
	Parallel int           `yaml:"parallel" doc:"how many BMCs are asked at once, those not counted that take longer than two seconds"`
	Events   string        `yaml:"events" doc:"whether BMCs are listened to between those looks: auto (by their stream of events, else they are made to post them here), post (they are always made to post), or off. What they tell makes a look come sooner"`
	// EventsURL is where BMCs post.
	EventsURL string `yaml:"events_url" doc:"base URL of the API as BMCs reach it; empty: as agents reach it"`
}

// Power is about the servers' power.
type Power struct {
	Drift string `yaml:"drift" doc:"what is done when a server's power is found otherwise than it was wanted last: alarm (it is left so), restore (it is set back, at most three times an hour) or accept. A role's power_drift and socle power policy come first"`

	WebhookCA string `yaml:"webhook_ca" doc:"file with the certificates (PEM) of the authorities that vouch for webhooks that switch servers (bmc_protocol webhook); empty: those of this host"`
}

// How BMCs are listened to.
const (
	EventsAuto = "auto"
	EventsPost = "post"
	EventsOff  = "off"
)

// Swift is how the verification of storage nodes reaches the object store's proxy, and the hash suffix that
// its nodes share.
type Swift struct {
	URL        string `yaml:"url" doc:"of the proxy, e.g. http://198.18.0.5:8080; storage nodes cannot be verified without it"`
	User       string `yaml:"user" doc:"account:user"`
	KeyFile    string `yaml:"key_file" doc:"file with the user's key"`
	HashSuffix string `yaml:"hash_suffix_file" doc:"file with swift_hash_path_suffix; made in the data folder when empty"`
}

// When consoles are recorded.
const (
	RecordWatched = "watched"
	RecordAlways  = "always"
)

// Console is about the servers' serial consoles.
type Console struct {
	Record       string `yaml:"record" doc:"when consoles are recorded: watched (while somebody has one open), or always (the console of every machine whose BMC is known is held open)"`
	RecordingMiB int    `yaml:"recording_mib" doc:"MiB of recordings that are kept of each machine; the oldest go first"`
	SSHListen    string `yaml:"ssh_listen" doc:"host:port of the SSH gateway to the consoles (ssh MACHINE@host); empty: none"`
	SSHKeys      string `yaml:"ssh_keys" doc:"file with the public keys of those who may come by SSH, as authorized_keys of OpenSSH; the comment is who it is. An API token as the password works without it"`
	RecordInput  bool   `yaml:"record_input" doc:"also record what is typed, passwords included"`
}

// Log is what is written to standard error.
type Log struct {
	Level  string `yaml:"level" doc:"debug, info, warn or error"`
	Format string `yaml:"format" doc:"text or json"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Listen:  ":8443",
		DataDir: "/var/lib/socle",
		Boot:    Boot{Listen: ":8080", TFTP: ":69", Tries: inventory.DefaultBootTries},
		DHCP:    DHCP{Probe: true},
		Limits:  Limits{Boot: 10 * time.Minute, AgentGone: 2 * time.Minute, PhoneHome: 30 * time.Minute, Verify: 30 * time.Minute},
		Power:   Power{Drift: string(inventory.PowerAlarm)},
		Health:  Health{Every: 5 * time.Minute, Parallel: 32, Events: EventsAuto},
		Console: Console{Record: RecordWatched, RecordingMiB: 16},
		Log:     Log{Level: "info", Format: "text"},
	}
}

// Runs tells whether this process runs a part of the server. Without subnets nobody boots from it, so a first
// start needs no privileged port.
func (c *Config) Runs(service string) bool {
	if len(c.Services) > 0 {
		return slices.Contains(c.Services, service)
	}
	return len(c.Subnets)+len(c.Subnets6) > 0 || service == "api" || service == "workers"
}

// Services lists the parts of the server.
func Services() []string { return []string{"api", "workers", "dhcp", "tftp", "boot"} }

// Server is the address that machines reach this server at unless they are told otherwise: that of the first
// subnet that names one, IPv4 before IPv6; zero when none does.
func (c *Config) Server() netip.Addr {
	for _, s := range c.Subnets {
		if s.Server.IsValid() {
			return s.Server
		}
	}
	return c.Server6(netip.Addr{})
}

// Server6 is the address that a machine with an IPv6 address reaches this server at: ours in its subnet, or in the
// first one for a machine of none; zero without IPv6 subnets.
func (c *Config) Server6(machine netip.Addr) netip.Addr {
	for _, s := range c.Subnets6 {
		if s.Prefix.Contains(machine) {
			return s.Server
		}
	}
	if len(c.Subnets6) > 0 {
		return c.Subnets6[0].Server
	}
	return netip.Addr{}
}

// Leases tells whether DHCP answers anybody, so that it knows who has which address: not where all subnets are
// off.
func (c *Config) Leases() bool {
	return len(c.Subnets6) > 0 || slices.ContainsFunc(c.Subnets, func(s Subnet) bool { return s.Mode != inventory.SubnetOff })
}
