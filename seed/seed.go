package seed

import (
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"

	"socle/internal/secret"
)

// The roles that the images know.
const (
	Hypervisor = "hypervisor"
	Storage    = "storage"
)

// Input is all that makes one server's seed differ from another's.
type Input struct {
	Name       string // the machine's name: becomes the hostname; a DNS label
	InstanceID string // new for each deployment: cloud-init does its once-per-instance work again when it changes
	Serial     string // of the machine, for the record in /etc/socle
	// MAC is of the interface that booted, and that is configured by DHCP; empty: every Ethernet interface.
	MAC string
	// Foreign says that the image was not made by a recipe of Socle: it has none of its programs, and cloud-init's
	// own modules make it trust the authority and phone home.
	Foreign bool
	// Role is what the image sets up: Hypervisor, Storage, or empty for nothing.
	Role string
	// PhoneHomeURL holds the token, so it is a secret.
	PhoneHomeURL secret.Secret
	// CAPEM is the authority that the server trusts, above all when it phones home.
	CAPEM []byte
	// SSHKeys may log in as root; there are no passwords.
	SSHKeys []string

	// ServerCertPEM and ServerKeyPEM are what a hypervisor's libvirt shows its clients.
	ServerCertPEM []byte
	ServerKeyPEM  secret.Secret

	// DataDisks are a storage node's, with the labels that PrepareDisk gave their partitions ("socle-" + Label).
	DataDisks []DataDisk
	// SwiftHashSuffix is the cluster's secret that object names are hashed with; all nodes and proxies of a
	// cluster share it, and it never changes.
	SwiftHashSuffix secret.Secret
}

// DataDisk is one disk for data.
type DataDisk struct {
	Label  string `json:"label"`  // file system label and mount point below /srv/node, at most 12 of a-z 0-9 -
	Serial string `json:"serial"` // for messages
}

// Render makes the seed's files: "meta-data", "user-data" and "network-config". All that is wrong with the
// input comes in one error, and nothing is returned then.
func Render(in Input) (map[string]string, error) {
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("making the seed of %q: %w", in.Name, err)
	}
	files := map[string]string{}
	for name, part := range map[string]struct {
		head  string
		value any
	}{
		"meta-data":      {"", metaData{InstanceID: in.InstanceID, Hostname: in.Name}},
		"network-config": {"", in.network()},
		"user-data":      {"#cloud-config\n", in.userData()},
	} {
		text, err := yaml.Marshal(part.value)
		if err != nil {
			return nil, fmt.Errorf("making the %s of %q: %w", name, in.Name, err)
		}
		files[name] = part.head + string(text)
	}
	return files, nil
}

type metaData struct {
	InstanceID string `yaml:"instance-id"`
	Hostname   string `yaml:"local-hostname"`
}

// networkConfig is version 2 of cloud-init's format.
type networkConfig struct {
	Version   int                 `yaml:"version"`
	Ethernets map[string]ethernet `yaml:"ethernets"`
}

type ethernet struct {
	Match    map[string]string `yaml:"match"`
	DHCP4    bool              `yaml:"dhcp4"`
	DHCP6    bool              `yaml:"dhcp6"`
	Optional bool              `yaml:"optional,omitempty"`
	// DHCPIdentifier "mac" makes the system ask with the client id that the firmware had: it keeps its address.
	DHCPIdentifier string `yaml:"dhcp-identifier,omitempty"`
}

func (in Input) network() networkConfig {
	match := map[string]string{"name": "e*"}
	if in.MAC != "" {
		match = map[string]string{"macaddress": in.MAC}
	}
	return networkConfig{Version: 2, Ethernets: map[string]ethernet{
		"boot": {Match: match, DHCP4: true, DHCPIdentifier: "mac"},
	}}
}

// userData is the part of cloud-config that the images' cloud-init has modules for.
type userData struct {
	PreserveHostname bool      `yaml:"preserve_hostname"`
	ManageEtcHosts   bool      `yaml:"manage_etc_hosts"`
	Users            []user    `yaml:"users"`
	DisableRoot      bool      `yaml:"disable_root"`
	SSHPasswords     bool      `yaml:"ssh_pwauth"`
	Files            []fileSet `yaml:"write_files,omitempty"`
	// The rest is for images that Socle has not made.
	RunCmd    [][]string `yaml:"runcmd,omitempty"`
	CACerts   *caCerts   `yaml:"ca_certs,omitempty"`
	PhoneHome *phoneHome `yaml:"phone_home,omitempty"`
}

type user struct {
	Name       string   `yaml:"name"`
	LockPasswd bool     `yaml:"lock_passwd"`
	SSHKeys    []string `yaml:"ssh_authorized_keys,omitempty"`
}

type fileSet struct {
	Path        string `yaml:"path"`
	Owner       string `yaml:"owner,omitempty"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

func (in Input) userData() userData {
	u := userData{
		ManageEtcHosts: true,
		DisableRoot:    len(in.SSHKeys) == 0,
		// Naming root alone keeps cloud-init from making the distribution's default user.
		Users: []user{{Name: "root", LockPasswd: true, SSHKeys: in.SSHKeys}},
	}
	if in.Foreign {
		u.CACerts, u.PhoneHome = in.foreign()
		if u.PhoneHome != nil {
			u.RunCmd = synced
		}
	} else {
		u.Files = in.programFiles()
	}
	u.Files = append(u.Files, jsonFile("/etc/socle/role.json", roleFile{
		Machine: in.Name, Serial: in.Serial, Role: in.Role, DataDisks: in.DataDisks,
	}))
	switch in.Role {
	case Hypervisor:
		u.Files = append(u.Files, in.libvirtFiles()...)
	case Storage:
		u.Files = append(u.Files, in.swiftFiles()...)
	}
	return u
}

// programFiles are what the programs in Socle's own images read to trust the authority and to phone home.
func (in Input) programFiles() (files []fileSet) {
	if len(in.CAPEM) > 0 {
		// Not cloud-init's ca_certs: its update-ca-certificates starts hundreds of processes, which is a minute and
		// more of a slow server's boot. The image's role-setup adds this one to what the system trusts.
		files = append(files, fileSet{Path: trustedCA, Permissions: "0644", Content: string(in.CAPEM)})
	}
	if !in.PhoneHomeURL.Empty() {
		home := map[string]string{"url": in.PhoneHomeURL.Reveal()}
		if len(in.CAPEM) > 0 {
			home["ca"] = trustedCA
		}
		files = append(files, jsonFile("/etc/socle/phone-home.json", home))
	}
	return files
}

// trustedCA is where Debian's update-ca-certificates takes local authorities from.
const trustedCA = "/usr/local/share/ca-certificates/socle.crt"

// roleFile is what the image's role-setup reads.
type roleFile struct {
	Machine   string     `json:"machine"`
	Serial    string     `json:"serial"`
	Role      string     `json:"role"`
	DataDisks []DataDisk `json:"data_disks,omitempty"`
}

// jsonFile is a file that only root reads.
func jsonFile(path string, value any) fileSet {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("seed: %T does not marshal: %v", value, err)) // our own types, strings only
	}
	return fileSet{Path: path, Permissions: "0600", Content: string(text) + "\n"}
}
