package seed

// PhoneHome is what a deployed system posts to its phone-home URL, as JSON, until it gets a 2xx answer: after
// its network is up and its role was set up, or could not be.
type PhoneHome struct {
	Hostname      string `json:"hostname"`
	Serial        string `json:"serial"`  // SMBIOS; data from the server, to be compared, never trusted
	BootID        string `json:"boot_id"` // /proc/sys/kernel/random/boot_id
	UptimeSeconds int64  `json:"uptime_seconds"`
	Role          string `json:"role,omitempty"`
	State         string `json:"state"`   // PhoneReady or PhoneFailed
	Message       string `json:"message"` // plain words, for people
}

// The states of a PhoneHome.
const (
	PhoneReady  = "ready"  // the role was set up
	PhoneFailed = "failed" // it was not; Message says why, and what to do
)
