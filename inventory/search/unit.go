package search

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Unit is how the numbers of a field are written.
type Unit string

// The units.
const (
	Count     Unit = "count"
	Bytes     Unit = "bytes"     // KB MB GB TB are of 1,000, KiB MiB GiB TiB of 1,024
	Frequency Unit = "frequency" // MHz, GHz; of the bare number MHz
	Speed     Unit = "speed"     // of a network: M, G in bit/s; of the bare number Mbit/s
	Age       Unit = "age"       // how long ago: 30m, 12h, 7d
)

var suffixes = map[Unit]map[string]float64{
	Count: {"": 1},
	Bytes: {
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "pib": 1 << 50,
	},
	Frequency: {"": 1e6, "hz": 1, "mhz": 1e6, "ghz": 1e9},
	Speed:     {"": 1e6, "m": 1e6, "g": 1e9, "mbit/s": 1e6, "gbit/s": 1e9, "mbps": 1e6, "gbps": 1e9},
	Age: {
		"s": float64(time.Second), "m": float64(time.Minute), "h": float64(time.Hour), "d": 24 * float64(time.Hour), "w": 7 * 24 * float64(time.Hour),
	},
}

// words say how a unit is written, for errors and documents.
func (u Unit) words() string {
	return map[Unit]string{
		Count: "a number", Bytes: "a size such as 480GB or 16GiB", Frequency: "a frequency such as 2.4GHz",
		Speed: "a speed such as 25G", Age: "how long ago, such as 30m, 12h or 7d",
	}[u]
}

// parse reads a number with its unit. It stands for all that a person would round to it: sizes are within half of the last
// digit that was given, and 1 % at most, so that 4TB finds a disk of 4,000,787,030,016 bytes.
func (u Unit) parse(text string) (low, high float64, err error) {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/")
	factor, known := suffixes[u][strings.ToLower(text[len(digits):])]
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !known || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) || strings.ContainsAny(digits, "xXpP_") {
		return 0, 0, fmt.Errorf("%q is not %s", text, u.words())
	}
	if v *= factor; u == Count || u == Age {
		return v, v, nil
	}
	around := v / 100
	if _, fraction, some := strings.Cut(digits, "."); some {
		around = min(around, factor*math.Pow10(-len(fraction))/2)
	} else {
		around = min(around, factor/2)
	}
	return v - around, v + around, nil
}
