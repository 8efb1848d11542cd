package tftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// Opcodes (RFC 1350 section 5, RFC 2347).
const (
	opRead  = 1
	opWrite = 2
	opData  = 3
	opAck   = 4
	opError = 5
	opOACK  = 6
)

// Error codes (RFC 1350 section 5, RFC 2347).
const (
	CodeOther        = 0
	CodeNotFound     = 1
	CodeAccess       = 2
	CodeIllegal      = 4
	CodeUnknownTID   = 5
	CodeNegotiation  = 8
	minBlock         = 8     // RFC 2348
	maxBlock         = 65464 // RFC 2348
	plainBlock       = 512   // RFC 1350
	maxRequestLength = 1024  // a request fits one datagram of 512 bytes by RFC 2347; some clients send more
	maxOptions       = 16
)

// request is a read or write request.
type request struct {
	write    bool
	name     string
	netascii bool
	options  []option // those that we know, in the order asked, each once
	// extended says that the client sent options at all, known or not.
	extended bool
}

// option is one that the client asked for and that has a value in range.
type option struct {
	kind  optionKind
	name  string // as the client spelled it; names are compared without regard to case (RFC 2347)
	value int64
}

type optionKind uint8

const (
	optBlock optionKind = iota
	optSize
	optTimeout
	optWindow
)

// optionRange says which values of an option mean something; others are as if not asked for.
var optionRange = map[string]struct {
	kind     optionKind
	min, max int64
}{
	"blksize":    {optBlock, minBlock, 1 << 31}, // more than we can is answered with less
	"tsize":      {optSize, 0, 1 << 62},
	"timeout":    {optTimeout, 1, 255},
	"windowsize": {optWindow, 1, 65535},
}

var (
	errNotRequest = errors.New("not a request")
	errMalformed  = errors.New("malformed request")
	errMode       = errors.New("transfer mode is not known, use octet or netascii")
)

// parseRequest reads a datagram that came to the listening port. errNotRequest means: say nothing to it;
// the other errors are for the client.
func parseRequest(b []byte) (request, error) {
	if len(b) < 2 || len(b) > maxRequestLength {
		return request{}, errNotRequest
	}
	op := binary.BigEndian.Uint16(b)
	if op != opRead && op != opWrite {
		return request{}, errNotRequest
	}
	r := request{write: op == opWrite}
	rest := b[2:]
	var mode string
	var ok bool
	if r.name, rest, ok = cutString(rest); !ok || r.name == "" {
		return r, errMalformed
	}
	if mode, rest, ok = cutString(rest); !ok {
		return r, errMalformed
	}
	switch strings.ToLower(mode) {
	case "octet":
	case "netascii":
		r.netascii = true
	default:
		return r, errMode
	}
	for range maxOptions {
		var name, value string
		if name, rest, ok = cutString(rest); !ok {
			break
		}
		if value, rest, ok = cutString(rest); !ok {
			break
		}
		r.extended = true
		r.add(name, value)
	}
	return r, nil
}

func (r *request) add(name, value string) {
	known, ok := optionRange[strings.ToLower(name)]
	if !ok {
		return
	}
	for _, o := range r.options {
		if o.kind == known.kind {
			return // RFC 2347: an option may be given only once
		}
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < known.min || n > known.max {
		return
	}
	r.options = append(r.options, option{known.kind, name, n})
}

func (r *request) value(k optionKind) (int64, bool) {
	for _, o := range r.options {
		if o.kind == k {
			return o.value, true
		}
	}
	return 0, false
}

func cutString(b []byte) (s string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil, false
	}
	return string(b[:i]), b[i+1:], true
}

// terms are what server and client agreed on.
type terms struct {
	block, window int
	timeout       int64  // seconds; 0: not agreed on
	oack          []byte // empty: no option was accepted, the transfer begins with block 1
}

// negotiate answers the options of a request for a file of size bytes. limit is the largest block and
// window that the client may have.
func negotiate(r request, size int64, limit Limit) terms {
	t := terms{block: plainBlock, window: 1}
	oack := binary.BigEndian.AppendUint16(nil, opOACK)
	for _, o := range r.options {
		v := o.value
		switch o.kind {
		case optBlock:
			v = min(v, int64(limit.Block), maxBlock)
			t.block = int(v)
		case optWindow:
			v = min(v, int64(limit.Window))
			t.window = int(v)
		case optTimeout:
			t.timeout = v
		case optSize:
			v = size
		}
		oack = append(append(oack, o.name...), 0)
		oack = append(strconv.AppendInt(oack, v, 10), 0)
	}
	if len(r.options) > 0 {
		t.oack = oack
	}
	return t
}

// errorPacket makes an ERROR.
func errorPacket(code uint16, text string) []byte {
	b := binary.BigEndian.AppendUint16(nil, opError)
	b = binary.BigEndian.AppendUint16(b, code)
	return append(append(b, text...), 0)
}

// parseReply reads what a client sends in a transfer: an ACK, or an ERROR with its text.
func parseReply(b []byte) (op, n uint16, text string, ok bool) {
	if len(b) < 4 {
		return 0, 0, "", false
	}
	op, n = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	switch op {
	case opAck:
		return op, n, "", true
	case opError:
		text, _, _ = strings.Cut(string(b[4:min(len(b), 132)]), "\x00")
		return op, n, strings.ToValidUTF8(text, "?"), true
	}
	return 0, 0, "", false
}
