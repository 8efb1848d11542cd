package seed

import "socle/api"

// PhoneHome is what a deployed system posts to its phone-home URL, as JSON, until it gets a 2xx answer: after
// its network is up and its role was set up, or could not be.
type PhoneHome = api.PhoneHome

// The states of a PhoneHome.
const (
	PhoneReady  = api.PhoneReady
	PhoneFailed = api.PhoneFailed
)
