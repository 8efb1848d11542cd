package api

import (
	"encoding/json"
	"time"

	"socle/hardware"
)

// Kernel parameters of the ramdisk. The boot script sets them, the agent reads them from /proc/cmdline.
const (
	ParamServer = "socle.server" // base URL of the API, e.g. "https://198.18.0.1:8443"
	ParamToken  = "socle.token"  // boot token, single use
	ParamCA     = "socle.ca"     // SHA-256 of the DER of the CA certificate that signs the server's, hexadecimal
	ParamMAC    = "BOOTIF"       // MAC of the interface that booted, in iPXE's "${net0/mac:hexhyp}" form, "01-" may precede
	ParamAddr   = "socle.addr"   // address/prefix,gateway for boots without DHCP; absent: DHCP
	ParamName   = "socle.name"   // the machine's name as far as known, for the console
)

// Paths of the agent protocol. All but PathSession need "Authorization: Bearer <session token>".
const (
	PathSession   = "/agent/v1/session"
	PathFacts     = "/agent/v1/facts"
	PathLinks     = "/agent/v1/links"       // POST LinksPost
	PathNextOrder = "/agent/v1/orders/next" // GET, ?wait=30s; 204 when there is none
	PathReport    = "/agent/v1/orders/%s/report"
	PathPartner   = "/agent/v1/orders/%s/partner" // POST PartnerRequest, ?wait=30s; 204 when nobody came
	PathPhoneHome = "/agent/v1/phone-home/%s"     // POST by the deployed system; the token is the path's end
	PathIndex     = "/agent/v1/images/%s/index"
	PathChunk     = "/agent/v1/chunks/%s"
)

// SessionRequest proves a boot and says who booted. It may be sent again with the same boot id when the
// answer was lost; a second boot with the same token is refused.
type SessionRequest struct {
	Token     string   `json:"token"`
	BootID    string   `json:"boot_id"`
	Serial    string   `json:"serial"`
	UUID      string   `json:"uuid"`
	AssetTag  string   `json:"asset_tag,omitempty"`
	NICMACs   []string `json:"nic_macs"`
	BMCMAC    string   `json:"bmc_mac,omitempty"`
	Version   string   `json:"version"` // of the agent
	Arch      string   `json:"arch"`    // GOARCH
	BootedMAC string   `json:"booted_mac,omitempty"`
}

// SessionReply hands the agent its credentials.
type SessionReply struct {
	Session string `json:"session"` // session id
	Token   string `json:"token"`   // bearer token; narrower than any person's, dies with the session
	Machine string `json:"machine"` // name
	Place   string `json:"place,omitempty"`
	Message string `json:"message,omitempty"` // for the console
}

// The kinds of orders.
const (
	OrderInspect     = "inspect"      // collect the facts and post them
	OrderWriteImage  = "write-image"  // WriteImage
	OrderPrepareDisk = "prepare-disk" // PrepareDisk
	OrderSeed        = "seed"         // Seed
	OrderBootEntry   = "boot-entry"   // BootEntry
	OrderBMCAccount  = "bmc-account"  // BMCAccount
	OrderReboot      = "reboot"       // reported done before the machine goes down
	OrderPowerOff    = "power-off"    // likewise
)

// Order is one single-use piece of work. The agent refuses it when Serial is not the machine's serial, when
// Session is not its own, or when it has carried out an order of this ID before.
type Order struct {
	ID      string          `json:"id"`
	Session string          `json:"session"`
	Kind    string          `json:"kind"`
	Serial  string          `json:"serial"`
	Params  json.RawMessage `json:"params,omitempty"`
}

// WriteImage writes an image to one disk, named by its serial. What is on the disk is lost.
type WriteImage struct {
	DiskSerial string `json:"disk_serial"`
	Image      string `json:"image"` // digest of the index, "sha256:…"
}

// PrepareDisk empties one disk and gives it one partition with the given GPT name; the deployed system
// makes the file system. What is on the disk is lost.
type PrepareDisk struct {
	DiskSerial string `json:"disk_serial"`
	Label      string `json:"label"` // GPT partition name, "socle-d1"
}

// Seed puts a cloud-init NoCloud seed on the disk that an image was written to, as a small file system
// labelled "CIDATA" in a partition at the disk's end.
type Seed struct {
	DiskSerial string `json:"disk_serial"`
	// Files by name: "meta-data", "user-data", "network-config", "vendor-data".
	Files map[string]string `json:"files"`
}

// BootEntry makes the disk the firmware's first choice: on UEFI a Boot#### entry for its loader, first in
// BootOrder; on BIOS nothing is to be done and the order is answered as done.
type BootEntry struct {
	DiskSerial string `json:"disk_serial"`
	Label      string `json:"label"`            // of the entry, e.g. "socle hypervisor"
	Loader     string `json:"loader,omitempty"` // default `\EFI\BOOT\BOOTX64.EFI`
}

// BMCAccount makes an administrator of the server's BMC, from inside the server, or gives the account of that name this
// password and these rights. The password has 16 bytes at most: some BMCs cut longer ones.
type BMCAccount struct {
	User     string `json:"user"` // 16 bytes at most
	Password string `json:"password"`
}

// BMCAccountResult is the result of a BMCAccount order: where the account is, and how the BMC is reached with it.
type BMCAccountResult struct {
	ID      int      `json:"id"`      // number of the account
	Channel int      `json:"channel"` // of the network
	Address string   `json:"address,omitempty"`
	MAC     string   `json:"mac,omitempty"`
	Notes   []string `json:"notes,omitempty"` // what did not work and may do no harm, in words
}

// Report tells how an order goes. Reports of one order are numbered from 1 and sent until they are answered,
// so each may arrive more than once; the server counts each Seq once.
type Report struct {
	Seq     int64           `json:"seq"`
	State   string          `json:"state"`           // "taken" (progress), "done", "failed", "refused"
	Done    int64           `json:"done,omitempty"`  // bytes of the work that are finished
	Total   int64           `json:"total,omitempty"` // bytes of the whole work
	Wire    int64           `json:"wire,omitempty"`  // bytes that came over the network
	Code    string          `json:"code,omitempty"`  // of a failure: one of the Code constants
	Message string          `json:"message,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Time    time.Time       `json:"time"` // by the agent's clock
}

// Codes of failed and refused orders.
const (
	CodeWrongMachine = "wrong-machine"   // refused: the order names another serial
	CodeWrongSession = "wrong-session"   // refused: the order is of another boot
	CodeUsedOrder    = "used-order"      // refused: carried out before
	CodeUnknownKind  = "unknown-kind"    // refused: this agent does not know such orders
	CodeBadParams    = "bad-params"      // refused: the parameters do not parse
	CodeNoDisk       = "no-such-disk"    // refused: no disk, or more than one, has this serial
	CodeDiskBusy     = "disk-busy"       // refused: the disk is in use by the ramdisk
	CodeTooSmall     = "disk-too-small"  // refused before anything is written
	CodeReadOnly     = "disk-read-only"  // refused
	CodeNoImage      = "image-not-found" // the server does not have it
	CodeCorrupt      = "image-corrupt"   // a chunk or the read-back did not verify, after retries
	CodeDiskError    = "disk-error"
	CodeFirmware     = "firmware" // EFI variables cannot be written
	CodeNoBMC        = "no-bmc"   // refused: no BMC can be spoken to from inside
	CodeBMC          = "bmc"      // the BMC refused what was asked of it, or did not answer
	CodeInternal     = "internal"
)

// PhoneHome is what a deployed system says when it is up. The body may be absent: then it is up.
type PhoneHome struct {
	Hostname      string `json:"hostname,omitempty"`
	Serial        string `json:"serial,omitempty"`  // SMBIOS
	BootID        string `json:"boot_id,omitempty"` // /proc/sys/kernel/random/boot_id
	UptimeSeconds int64  `json:"uptime_seconds,omitempty"`
	Role          string `json:"role,omitempty"`
	State         string `json:"state,omitempty"`   // PhoneReady or PhoneFailed; empty: ready
	Message       string `json:"message,omitempty"` // plain words
}

// The states of a PhoneHome.
const (
	PhoneReady  = "ready"  // the role was set up
	PhoneFailed = "failed" // it was not; Message says why
)

// FactsPost is what the agent found.
type FactsPost struct {
	Order string         `json:"order,omitempty"` // the order that asked for it; empty for the agent's own first look
	Facts hardware.Facts `json:"facts"`
}

// LinksPost is what is plugged into all ports of the server, sent when anything of it has changed: in the ramdisk it is listened
// for as long as that runs.
type LinksPost struct {
	Links []hardware.Link `json:"links"`
}

// WriteResult is the result of a WriteImage order.
type WriteResult struct {
	Bytes     int64 `json:"bytes"`     // of the image
	Wire      int64 `json:"wire"`      // received
	Written   int64 `json:"written"`   // written to the disk
	Zero      int64 `json:"zero"`      // zero, not sent
	Unchanged int64 `json:"unchanged"` // found on the disk already
	Retries   int64 `json:"retries"`   // chunks fetched again
	Millis    int64 `json:"millis"`
}
