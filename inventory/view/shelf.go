package view

import (
	"encoding/binary"
	"net/netip"
	"time"

	"socle/inventory"
)

// shelf keeps sketches as bytes, one behind the other. The garbage collector looks at every pointer that is kept: with
// a hundred thousand machines that would cost a fifth of the time of boot scripts. Bytes have none.
type shelf struct {
	data  []byte
	spans []span // by the machine's number
	waste int    // bytes that nobody uses any more
}

type span struct{ from, to int }

// leastWaste is how many bytes must be of no use before the rest is moved together.
const leastWaste = 1 << 20

// add puts a sketch at the end and returns its number.
func (h *shelf) add(s *inventory.Sketch) uint32 {
	from := len(h.data)
	h.data = appendSketch(h.data, s)
	h.spans = append(h.spans, span{from, len(h.data)})
	return uint32(len(h.spans) - 1) //nolint:gosec // machines are fewer than that
}

// replace puts another sketch in the place of one.
func (h *shelf) replace(n uint32, s *inventory.Sketch) {
	h.waste += h.spans[n].to - h.spans[n].from
	from := len(h.data)
	h.data = appendSketch(h.data, s)
	h.spans[n] = span{from, len(h.data)}
	if h.waste > leastWaste && h.waste > len(h.data)/2 {
		h.tidy()
	}
}

func (h *shelf) tidy() {
	data := make([]byte, 0, len(h.data)-h.waste)
	for i, at := range h.spans {
		from := len(data)
		data = append(data, h.data[at.from:at.to]...)
		h.spans[i] = span{from, len(data)}
	}
	h.data, h.waste = data, 0
}

// get reads a sketch. It costs two allocations: of its words together, and of the list of its interfaces.
func (h *shelf) get(n uint32) inventory.Sketch {
	at := h.spans[n]
	return readSketch(string(h.data[at.from:at.to]))
}

// id is the machine's ID, without reading the rest.
func (h *shelf) id(n uint32) []byte {
	at := h.spans[n]
	length, size := binary.Uvarint(h.data[at.from:at.to])
	return h.data[at.from+size : at.from+size+int(length)] //nolint:gosec // as it was written
}

// What is true of a machine, as bits of one byte.
const (
	inPlan = 1 << iota
	doubtful
	booted
)

func appendSketch(b []byte, s *inventory.Sketch) []byte {
	id := &s.Identity
	for _, w := range [...]string{s.ID, s.Name, string(s.State), string(s.Boot), id.Serial, id.UUID, id.BMCMAC, id.AssetTag} {
		b = appendWord(b, w)
	}
	b = binary.AppendUvarint(b, uint64(len(id.NICMACs)))
	for _, mac := range id.NICMACs {
		b = appendWord(b, mac)
	}
	addr, _ := s.Address.MarshalBinary() // never fails
	b = append(binary.AppendUvarint(b, uint64(len(addr))), addr...)
	var flags byte
	if s.InPlan {
		flags |= inPlan
	}
	if s.Doubtful {
		flags |= doubtful
	}
	if !s.BootedAt.IsZero() {
		flags |= booted
	}
	b = append(b, flags)
	if flags&booted != 0 {
		b = binary.AppendVarint(b, s.BootedAt.UnixMicro())
	}
	return b
}

func appendWord(b []byte, w string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(w))), w...)
}

// reader takes apart what appendSketch wrote. All words are parts of one text.
type reader struct{ rest string }

func (r *reader) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		c := r.rest[0]
		r.rest = r.rest[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

func (r *reader) word() string {
	n := r.number()
	w := r.rest[:n]
	r.rest = r.rest[n:]
	return w
}

func readSketch(text string) (s inventory.Sketch) {
	r := reader{text}
	id := &s.Identity
	s.ID, s.Name, s.State, s.Boot = r.word(), r.word(), inventory.State(r.word()), inventory.Boot(r.word())
	id.Serial, id.UUID, id.BMCMAC, id.AssetTag = r.word(), r.word(), r.word(), r.word()
	if n := r.number(); n > 0 {
		id.NICMACs = make([]string, n)
		for i := range id.NICMACs {
			id.NICMACs[i] = r.word()
		}
	}
	s.Address = readAddr(r.word())
	flags := r.rest[0]
	r.rest = r.rest[1:]
	s.InPlan, s.Doubtful = flags&inPlan != 0, flags&doubtful != 0
	if flags&booted != 0 {
		n := r.number()
		micros := int64(n >> 1) //nolint:gosec // as binary.AppendVarint writes it
		if n&1 != 0 {
			micros = ^micros
		}
		s.BootedAt = time.UnixMicro(micros)
	}
	return s
}

func readAddr(b string) (a netip.Addr) {
	switch len(b) {
	case 0:
	case 4:
		a = netip.AddrFrom4([4]byte([]byte(b)))
	case 16:
		a = netip.AddrFrom16([16]byte([]byte(b)))
	default:
		_ = a.UnmarshalBinary([]byte(b)) // with a zone; written by MarshalBinary
	}
	return a
}
