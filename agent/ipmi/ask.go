package ipmi

import (
	"context"
	"errors"
	"fmt"
)

// Command is one of IPMI's requests, with its name in the specification.
type Command struct {
	Name       string
	NetFn, Cmd byte
}

// Controller answers requests, one at a time.
type Controller interface {
	// Ask sends a request and returns the answer's data without its completion code. A code other than 0 is a *Refused;
	// any other error means that the controller did not answer.
	Ask(ctx context.Context, c Command, data ...byte) ([]byte, error)
}

// Refused is a completion code that is not 0 (IPMI 2.0 table 5-2).
type Refused struct {
	Command Command
	Code    byte
}

// Error implements error.
func (r *Refused) Error() string {
	text := map[byte]string{
		0x80: "refused it", 0x81: "refused it", 0xc0: "is busy", 0xc1: "does not know that request", 0xc3: "took too long", 0xc4: "has no room",
		0xc7: "did not like the request's length", 0xc9: "has no such parameter", 0xcb: "has no such thing",
		0xcc: "did not like the request", 0xce: "cannot answer that", 0xd4: "does not allow it: it may be locked down", 0xd5: "cannot do it in its present state",
	}[r.Code]
	if text == "" {
		text = "refused it"
	}
	return fmt.Sprintf("the BMC %s: %s, completion code %#02x", text, r.Command.Name, r.Code)
}

// refused tells whether the controller answered, and did not do it.
func refused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}

// Network functions (IPMI 2.0 table 5-1) and commands (appendix G).
const (
	netFnApp       = 0x06
	netFnTransport = 0x0c
)

var (
	getDeviceID      = Command{"Get Device ID", netFnApp, 0x01}
	getSystemGUID    = Command{"Get System GUID", netFnApp, 0x37}
	setChannelAccess = Command{"Set Channel Access", netFnApp, 0x40}
	getChannelAccess = Command{"Get Channel Access", netFnApp, 0x41}
	setUserAccess    = Command{"Set User Access", netFnApp, 0x43}
	getUserAccess    = Command{"Get User Access", netFnApp, 0x44}
	setUserName      = Command{"Set User Name", netFnApp, 0x45}
	getUserName      = Command{"Get User Name", netFnApp, 0x46}
	setUserPassword  = Command{"Set User Password", netFnApp, 0x47}
	setUserPayload   = Command{"Set User Payload Access", netFnApp, 0x4c}
	setLAN           = Command{"Set LAN Configuration Parameters", netFnTransport, 0x01}
	getLAN           = Command{"Get LAN Configuration Parameters", netFnTransport, 0x02}
)
