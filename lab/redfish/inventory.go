package redfish

import (
	"fmt"
	"strconv"
)

// member finds which of n numbered members a call means, counted from 0.
func (c *call) member(n int) (int, error) {
	i, err := strconv.Atoi(c.ids[0])
	if err != nil || i < 1 || i > n || strconv.Itoa(i) != c.ids[0] {
		return 0, notFound(c.URL.Path)
	}
	return i - 1, nil
}

func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strconv.Itoa(i + 1)
	}
	return all
}

func getProcessors(b *BMC, _ *call) (object, error) {
	path := b.system() + "/Processors"
	return collection(path, "ProcessorCollection", "Processors", below(path, numbers(b.vm.Describe().CPUs)...)...), nil
}

func getProcessor(b *BMC, c *call) (object, error) {
	i, err := c.member(b.vm.Describe().CPUs)
	if err != nil {
		return nil, err
	}
	return resource(b.system()+"/Processors/"+c.ids[0], "Processor.v1_13_0", c.ids[0], fmt.Sprintf("CPU%d", i+1)).with(object{
		"Socket": fmt.Sprintf("CPU%d", i+1), "ProcessorType": "CPU", "ProcessorArchitecture": "x86", "InstructionSet": "x86-64",
		"Manufacturer": "Socle", "Model": "Virtual processor", "TotalCores": 16, "TotalThreads": 32, "MaxSpeedMHz": 3000, "Status": healthy(),
	}), nil
}

// dimms are the memory modules: as many equal ones as fit, 16 at most.
func (b *BMC) dimms() (n, mib int) {
	all := b.vm.Describe().MemoryMiB
	if all == 0 {
		return 0, 0
	}
	n = 1
	for n < 16 && all%(2*n) == 0 && all/(2*n) >= 1024 {
		n *= 2
	}
	return n, all / n
}

func getMemories(b *BMC, _ *call) (object, error) {
	path := b.system() + "/Memory"
	n, _ := b.dimms()
	return collection(path, "MemoryCollection", "Memory modules", below(path, numbers(n)...)...), nil
}

func getMemory(b *BMC, c *call) (object, error) {
	n, mib := b.dimms()
	i, err := c.member(n)
	if err != nil {
		return nil, err
	}
	return resource(b.system()+"/Memory/"+c.ids[0], "Memory.v1_13_0", c.ids[0], fmt.Sprintf("DIMM%d", i+1)).with(object{
		"MemoryType": "DRAM", "MemoryDeviceType": "DDR4", "CapacityMiB": mib, "OperatingSpeedMhz": 3200, "DeviceLocator": fmt.Sprintf("DIMM%d", i+1),
		"Manufacturer": "Socle", "PartNumber": "LAB-DIMM", "SerialNumber": fmt.Sprintf("%s-M%d", b.vm.Describe().Serial, i+1), "Status": healthy(),
	}), nil
}
