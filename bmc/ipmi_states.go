package bmc

import (
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/inventory"
)

// unitOf names a unit of IPMI (section 43.17) in UCUM, as Redfish does; what has no name there keeps IPMI's.
func unitOf(u types.SensorUnit) string {
	if u.Percentage {
		return "%"
	}
	switch u.BaseUnit {
	case types.SensorUnitType_Unspecified:
		return ""
	case types.SensorUnitType_DegreesC:
		return "Cel"
	case types.SensorUnitType_DegreesF:
		return "[degF]"
	case types.SensorUnitType_DegreesK:
		return "K"
	case types.SensorUnitType_Volts:
		return "V"
	case types.SensorUnitType_Amps:
		return "A"
	case types.SensorUnitType_Watts:
		return "W"
	case types.SensorUnitType_RPM:
		return "RPM"
	default:
		return u.String()
	}
}

// kindOf sorts a sensor; empty for those that tell of events and not of how a part is, such as buttons.
func kindOf(t types.SensorType, u types.SensorUnit, value bool) inventory.SensorKind {
	switch t {
	case types.SensorTypeTemperature:
		return inventory.SensorTemperature
	case types.SensorTypeVoltage:
		return inventory.SensorVoltage
	case types.SensorTypeCurrent:
		if value && u.BaseUnit == types.SensorUnitType_Watts {
			return inventory.SensorPower // so some call their power meters
		}
		return inventory.SensorCurrent
	case types.SensorTypeFan, types.SensorTypeCollingDevice:
		return inventory.SensorFan
	case types.SensorTypePowerSupply, types.SensorTypePowerUnit:
		if value {
			return inventory.SensorPower
		}
		return inventory.SensorSupply
	case types.SensorTypeDriveSlot:
		return inventory.SensorDrive
	case types.SensorTypeProcessor, types.SensorTypeMemory:
		return inventory.SensorOther
	default:
		if value && u.BaseUnit == types.SensorUnitType_Watts {
			return inventory.SensorPower
		}
		if value {
			return inventory.SensorOther
		}
		return ""
	}
}

// Short names for the tables.
const (
	good = inventory.HealthOK
	warn = inventory.HealthWarning
	crit = inventory.HealthCritical
)

// specificStates judge the states of IPMI table 42-3, by sensor type and offset. Offsets that are not listed say
// nothing of health.
var specificStates = map[types.SensorType]map[uint8]inventory.Health{
	// Presence, failure, predictive failure, input lost, lost or out of range, out of range, configuration, standby.
	types.SensorTypePowerSupply: {0: good, 1: crit, 2: warn, 3: crit, 4: crit, 5: warn, 6: warn, 7: good},
	// Off, cycle, 240 VA down, interlock, input lost, soft control failure, failure, predictive failure.
	types.SensorTypePowerUnit: {2: crit, 4: crit, 5: crit, 6: crit, 7: warn},
	// Presence, fault, predictive failure, spare, check, in critical array, in failed array, rebuild, rebuild aborted.
	types.SensorTypeDriveSlot: {0: good, 1: crit, 2: warn, 3: good, 4: good, 5: warn, 6: crit, 7: warn, 8: warn},
	// IERR, thermal trip, FRB1-3, configuration, uncorrectable, presence, disabled, terminator, throttled, MCE.
	types.SensorTypeProcessor: {0: crit, 1: crit, 2: crit, 3: crit, 4: crit, 5: crit, 6: crit, 7: good, 8: warn, 9: good, 10: warn, 11: crit, 12: warn},
	// ECC, uncorrectable, parity, scrub, disabled, ECC limit, presence, configuration, spare, throttled, too hot.
	types.SensorTypeMemory: {0: warn, 1: crit, 2: crit, 3: warn, 4: warn, 5: warn, 6: good, 7: warn, 8: good, 9: warn, 10: crit},
}

// genericStates judge those of IPMI table 42-2 whose meaning does not depend on the sensor: predictive failure, limit,
// severity and redundancy.
var genericStates = map[types.EventReadingType]map[uint8]inventory.Health{
	types.EventReadingTypePredictiveFailure:  {0: good, 1: warn},
	types.EventReadingTypeLimit:              {0: good, 1: warn},
	types.EventReadingTypeTransitionSeverity: {0: good, 1: warn, 2: crit, 3: crit, 4: warn, 5: crit, 6: crit, 7: good, 8: good},
	types.EventReadingTypeRedundancy:         {0: good, 1: warn, 2: warn, 3: warn, 4: warn, 5: crit, 6: warn, 7: warn},
}

func stateHealth(class types.EventReadingType, t types.SensorType, offset uint8) inventory.Health {
	if class == types.EventReadingTypeSensorSpecific {
		return specificStates[t][offset]
	}
	return genericStates[class][offset]
}
