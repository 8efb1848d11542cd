package pxe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"socle/inventory"
	"socle/pxe/tftp"
)

// TFTPOptions are what the TFTP server needs; Listen and Files must be set.
type TFTPOptions struct {
	Listen   string // "ADDRESS:69", or ":69" for every address of IPv4 and IPv6
	Files    Files
	Recorder Recorder // nil: evidence is forgotten
	// Resolve opens what is served beside the loaders of the firmware table; nil: nothing is.
	Resolve Resolver
	// Holder names the MAC that holds an address, for the evidence and the rules; nil: unknown.
	Holder func(netip.Addr) (mac string, ok bool)
	// Rules is the policy for firmware that asks for larger blocks or windows than it can take.
	Rules []tftp.Rule
	Log   *slog.Logger // nil: silent
	Now   func() time.Time
	// MaxTransfers is how many transfers run at once (default 1024), and MaxPerClient how many of them one
	// address may have (default 8); who comes then is told to try again.
	MaxTransfers, MaxPerClient int
	// Timeout is the longest that an acknowledgement is waited for before blocks are sent again the first time,
	// unless the client asks for another time (default 2 s); after eight of them a silent client is given up.
	Timeout time.Duration
}

// TFTP hands out the loaders of the firmware table, and nothing else.
type TFTP struct {
	opt    TFTPOptions
	server *tftp.Server
}

// NewTFTP checks the options and makes a server.
func NewTFTP(opt TFTPOptions) (*TFTP, error) {
	if opt.Files == nil {
		return nil, errors.New("making TFTP server: no files are given")
	}
	if opt.Recorder == nil {
		opt.Recorder = NoRecorder{}
	}
	if opt.Holder == nil {
		opt.Holder = func(netip.Addr) (string, bool) { return "", false }
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	t := &TFTP{opt: opt}
	var err error
	t.server, err = tftp.New(tftp.Options{Listen: opt.Listen, Open: t.open, Report: t.record, MAC: t.mac, Rules: opt.Rules, Log: opt.Log,
		MaxTransfers: opt.MaxTransfers, MaxPerClient: opt.MaxPerClient, Timeout: opt.Timeout})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Listen opens the sockets, so that an address in use is told at once; Serve does it otherwise.
func (t *TFTP) Listen() error { return t.server.Listen() }

// Addr is the first address that is listened on, after Listen.
func (t *TFTP) Addr() netip.AddrPort {
	a := t.server.Addrs()
	if len(a) == 0 {
		return netip.AddrPort{}
	}
	return a[0]
}

// Serve answers until ctx ends; transfers that run are then given a few seconds to end.
func (t *TFTP) Serve(ctx context.Context) error { return t.server.Serve(ctx) }

func (t *TFTP) mac(a netip.Addr) string {
	mac, _ := t.opt.Holder(a)
	return mac
}

// open finds the file for a name. The table of loaders and the resolver have a list of names each, so none leads out of the folder.
func (t *TFTP) open(ctx context.Context, peer netip.Addr, name string) (io.ReadCloser, int64, error) {
	name = strings.TrimLeft(name, "/")
	if !isLoader(name) {
		if t.opt.Resolve == nil {
			return nil, 0, fs.ErrNotExist
		}
		return t.opt.Resolve(ctx, peer, name)
	}
	f, size, err := t.opt.Files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		t.opt.Log.Warn("boot file is not there", "file", name, "client", peer, "err", err)
	}
	return f, size, err
}

// record makes one line of evidence of each transfer.
func (t *TFTP) record(r tftp.Transfer) {
	verb := "read"
	if r.Write {
		verb = "write"
	}
	reply := r.Words()
	if r.BlockSize > 0 {
		reply += fmt.Sprintf(" (blocks of %d", r.BlockSize)
		if r.Window > 1 {
			reply += fmt.Sprintf(", windows of %d", r.Window)
		}
		if r.Resent > 0 {
			reply += fmt.Sprintf(", %d sent again", r.Resent)
		}
		reply += ")"
	}
	if r.Outcome == tftp.Complete && saysFailure(r.Name) {
		return // what it said is recorded; it is no file
	}
	addr, name := r.Client.Addr().WithZone(""), strings.TrimLeft(r.Name, "/")
	t.opt.Recorder.Record(inventory.Evidence{Time: t.opt.Now(), MAC: t.mac(addr), Source: "tftp", Kind: inventory.SawTFTP, Outcome: outcome(r),
		File: name, Total: r.Size, Bytes: r.Sent, Addr: addr, Asked: fmt.Sprintf("%s %.100q from %s", verb, name, r.Client.Addr()), Reply: reply})
}

// outcome names how a transfer ended in the words of the inventory.
func outcome(r tftp.Transfer) inventory.Outcome {
	switch r.Outcome {
	case tftp.Complete:
		return inventory.OutComplete
	case tftp.Stalled:
		return inventory.OutStalled
	case tftp.Aborted, tftp.Again:
		return inventory.OutAborted
	case tftp.Probed:
		return inventory.OutProbe
	case tftp.Busy:
		return inventory.OutLimited
	case tftp.Failed:
		return inventory.OutUnavailable
	case tftp.Refused:
	}
	switch r.Code {
	case tftp.CodeNotFound:
		return inventory.OutNotFound
	case tftp.CodeOther:
		return inventory.OutUnavailable
	default:
		return inventory.OutRefused
	}
}
