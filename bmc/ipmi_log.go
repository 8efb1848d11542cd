package bmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bougou/go-ipmi/pkg/command/app"
	"github.com/bougou/go-ipmi/pkg/command/chassis"
	"github.com/bougou/go-ipmi/pkg/command/storage"
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/inventory"
)

// Record numbers with a meaning of their own (IPMI 2.0 section 31.5).
const (
	firstRecord = 0x0000
	lastRecord  = 0xffff // asked for: the last one; answered: there is none after this
)

// logRecord is one record of the SEL with the number of the next.
func (r *ipmiReader) logRecord(ctx context.Context, id uint16) (*types.SEL, uint16, error) {
	res := &storage.GetSELEntryResponse{}
	if err := r.client.Exchange(ctx, &storage.GetSELEntryRequest{RecordID: id, ReadBytes: 0xff}, res); err != nil {
		return nil, 0, err
	}
	sel, err := types.ParseSEL(res.Data)
	return sel, res.NextRecordID, err
}

// eventLog reads the SEL (section 31). A mark whose record is gone, or has another time, is of a log that was cleared
// since: then all of it is new.
func (r *ipmiReader) eventLog(ctx context.Context, since inventory.LogMark, newest bool) ([]inventory.LogEntry, inventory.LogMark, error) {
	info, err := r.client.GetSELInfo(ctx)
	if err != nil {
		return nil, since, ipmiError(err)
	}
	if info.Entries == 0 {
		return nil, emptyLog, nil
	}
	next := uint16(firstRecord)
	if newest {
		next = lastRecord
	} else if id, err := strconv.ParseUint(since.ID, 16, 16); err == nil {
		sel, following, err := r.logRecord(ctx, uint16(id))
		switch {
		case err == nil && entryTime(sel).Equal(since.Time):
			next = following
			if next == lastRecord {
				return nil, since, nil
			}
		case err != nil && !gone(err):
			return nil, since, ipmiError(err)
		}
	}
	var names map[sensorKey]string
	if repo, err := r.repository(ctx); err == nil {
		names = repo.names
	} else if fatal(err) || ctx.Err() != nil {
		return nil, since, err
	}
	var all []inventory.LogEntry
	mark := since
	for len(all) < maxLogEntries {
		sel, following, err := r.logRecord(ctx, next)
		if gone(err) { // cleared while it was read
			break
		}
		if err != nil {
			return nil, since, ipmiError(err)
		}
		all = append(all, logEntry(sel, names))
		mark = inventory.LogMark{ID: fmt.Sprintf("%04x", sel.RecordID), Time: entryTime(sel)}
		if following == lastRecord || following == next || newest {
			break
		}
		next = following
	}
	return all, mark, nil
}

// emptyLog is the mark of a log in which nothing is: what comes next is new. It is not the zero mark, which stands for
// a log that was never looked at.
var emptyLog = inventory.LogMark{ID: "none"}

// gone tells that a record is not there (completion code CBh); some say C9h, a number out of range.
func gone(err error) bool {
	answer, ok := types.IsResponseError(err)
	return ok && (answer.CompletionCode() == types.CodeRequestedDataNotPresent || answer.CompletionCode() == types.CodeParameterOutOfRange)
}

// bootTimes ends the numbers that are no dates: seconds since the controller started, which it writes before it has
// been told the time (section 37).
const bootTimes = 0x20000000

func entryTime(sel *types.SEL) time.Time {
	var at time.Time
	switch {
	case sel.Standard != nil:
		at = sel.Standard.Timestamp
	case sel.OEMTimestamped != nil:
		at = sel.OEMTimestamped.Timestamp
	}
	if at.Unix() <= bootTimes || at.Unix() == 0xffffffff {
		return time.Time{}
	}
	return at.UTC()
}

// logEntry puts a record into words.
func logEntry(sel *types.SEL, names map[sensorKey]string) inventory.LogEntry {
	e := inventory.LogEntry{ID: fmt.Sprintf("%04x", sel.RecordID), Time: entryTime(sel)}
	s := sel.Standard
	switch {
	case sel.OEMTimestamped != nil:
		e.Text = fmt.Sprintf("record of the maker %d: %x", sel.OEMTimestamped.ManufacturerID, sel.OEMTimestamped.OEMDefined)
		return e
	case sel.OEMNonTimestamped != nil:
		e.Text = fmt.Sprintf("record of the maker: %x", sel.OEMNonTimestamped.OEM)
		return e
	case s == nil:
		e.Text = fmt.Sprintf("record of an unknown type %02x", uint8(sel.RecordType))
		return e
	}
	number := uint8(s.SensorNumber)
	e.Sensor = cmp.Or(names[sensorKey{s.GeneratorID.OwnerID(), number}], fmt.Sprintf("%s %#02x", s.SensorType, number))
	e.Text = cmp.Or(s.EventString(), fmt.Sprintf("event %s of type %02x", &s.EventData, uint8(s.EventReadingType)))
	if s.EventDir == types.EventDirDeassertion {
		e.Text += ", over"
		e.Health = inventory.HealthOK
		return e
	}
	offset := s.EventData.EventReadingOffset()
	switch e.Health = stateHealth(s.EventReadingType, s.SensorType, offset); {
	case e.Health != inventory.HealthUnknown:
	case s.EventReadingType.IsThreshold():
		// Table 42-2: two offsets each of lower non-critical, critical, non-recoverable, then upper the same.
		e.Health = [6]inventory.Health{warn, crit, crit, warn, crit, crit}[min(offset/2, 5)]
	default:
		switch s.EventSeverity() {
		case types.EventSeverityCritical, types.EventSeverityNonFatal:
			e.Health = crit
		case types.EventSeverityWarning, types.EventSeverityDegraded:
			e.Health = warn
		default:
			e.Health = good
		}
	}
	return e
}

// clearLog empties the SEL (section 31.9) and waits until that is done.
func (r *ipmiReader) clearLog(ctx context.Context) error {
	reservation, err := r.client.ReserveSEL(ctx)
	if err != nil {
		return ipmiError(err)
	}
	for start := true; ; start = false {
		res := &storage.ClearSELResponse{}
		if err := r.client.Exchange(ctx, &storage.ClearSELRequest{ReservationID: reservation.ReservationID, GetErasureStatusFlag: !start}, res); err != nil {
			return ipmiError(err)
		}
		if res.ErasureProgressStatus&0x0f == 1 {
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("%w: it is still clearing its log", ErrReadBack)
		}
	}
}

// longestIdentify is what the interval of Chassis Identify holds (section 28.5).
const longestIdentify = 255 * time.Second

// locate uses Chassis Identify: with an interval the controller itself ends it, else it is forced on.
func (r *ipmiReader) locate(ctx context.Context, on bool, last time.Duration) (byItself bool, err error) {
	req := &chassis.ChassisIdentifyRequest{}
	switch {
	case on && last > 0 && last <= longestIdentify:
		req.IdentifyInterval = uint8(max(1, last/time.Second)) //nolint:gosec // at most 255
		byItself = true
	case on:
		req.ForceIdentifyOn = true
	}
	return byItself, ipmiError(r.client.Exchange(ctx, req, &chassis.ChassisIdentifyResponse{}))
}

// restart uses Cold Reset (section 20.2). Some controllers are gone before they have answered.
func (r *ipmiReader) restart(ctx context.Context) error {
	err := r.client.Exchange(ctx, &app.ColdResetRequest{}, &app.ColdResetResponse{})
	if err = ipmiError(err); errors.Is(err, ErrUnreachable) {
		return nil
	}
	return err
}

// nmi uses Chassis Control's diagnostic interrupt (section 28.3).
func (r *ipmiReader) nmi(ctx context.Context) error {
	_, err := r.client.ChassisControl(ctx, chassis.ChassisControlDiagnosticInterrupt)
	return ipmiError(err)
}
