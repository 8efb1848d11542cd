# Everything is reached from here; `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
# Pure Go throughout: no C compiler is needed, and the C SQLite that gorm's driver mentions is never built.
export CGO_ENABLED := 0
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Debian packages by what needs them; `make setup` installs what is missing and says so.
PKG_BUILD := git ca-certificates
PKG_LAB   := qemu-system-x86 qemu-utils ipxe-qemu ovmf openipmi ipmitool iproute2
PKG_IMAGE := mmdebstrap e2fsprogs dosfstools mtools grub-pc-bin grub-efi-amd64-bin grub2-common xorriso zstd xz-utils
PKG_TEST  := poppler-utils zbar-tools ipxe systemd-boot-efi qemu-system-arm qemu-efi-aarch64 postgresql python3-sushy python3-clustershell redfishtool isc-dhcp-client isc-dhcp-relay udhcpc dhcpcd-base ndisc6 kea-admin nmap tshark dnsmasq-base systemd xfsprogs parted kmod python3 fonts-dejavu-core tftp-hpa atftp curl wget tcpdump nftables chromium openssh-client

# Servers that the tests start themselves.
PKG_OTHER := isc-dhcp-server snmpd lldpd

# The peers of make bench-boot. tftpd-hpa cannot be installed beside atftpd: it is unpacked into bin/peers. Debian has no
# recent CoreDHCP and no matchbox: tools/peers names their versions, and CoreDHCP's SQLite needs a C compiler.
PKG_BENCH := isc-dhcp-server kea-dhcp4-server kea-admin dnsmasq-base atftpd atftp nginx-light iproute2 libwrap0 gcc libc6-dev ipmitool freeipmi-tools
MOD_BENCH := github.com/coredhcp/coredhcp/cmds/coredhcp github.com/poseidon/matchbox/cmd/matchbox

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup setup-test
setup: ## install the Debian packages that the lab and the images need
	@hack/install.sh $(PKG_BUILD) $(PKG_LAB) $(PKG_IMAGE)
setup-test: ## install what the tests need on top
	@hack/install.sh $(PKG_BUILD) $(PKG_LAB) $(PKG_IMAGE) $(PKG_TEST)
	@NOSTART=1 hack/install.sh $(PKG_OTHER)

.PHONY: build
build: ## build bin/socle, bin/socle-agent and bin/socle-agent-arm64
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/socle ./cmd/socle
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/socle-agent ./cmd/socle-agent
	GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/socle-agent-arm64 ./cmd/socle-agent

.PHONY: demo demo-down lab-up lab-down
demo: setup build ## a virtual rack booted, inspected, deployed and verified, with the dashboard up
	$(SUDO) bin/socle lab demo
demo-down: ## stop the demo and leave nothing behind
	$(SUDO) bin/socle lab demo-down
lab-up: setup build ## the virtual rack alone
	$(SUDO) bin/socle lab up
lab-down: ## take the virtual rack down
	$(SUDO) bin/socle lab down

.PHONY: test e2e race fuzz bench cover
test: setup-test build ## all tests but the boot and fault matrix
	$(GO) test -count=1 -timeout 40m -json ./... | $(GO) run ./internal/testlog
e2e: setup-test build ## the whole boot and fault matrix, then the demo; its results go to docs/verified.md
	$(GO) test -count=1 -timeout 150m -tags e2e -run E2E -p 2 -json ./... | $(GO) run ./internal/testlog
	$(SUDO) bin/socle lab demo --leave
race: setup-test ## the tests under the race detector
	CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 60m ./...
FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	@grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r d; do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' $$d/*_test.go | sed 's/func //'); do \
	    echo "$$d $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$d; done; done
bench: ## the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...
cover: ## test coverage by package
	$(GO) test -count=1 -cover ./...

.PHONY: setup-bench bench-boot bench-bmc soak
setup-bench: ## install the servers that ours is measured against; none of them is left running
	@NOSTART=1 hack/install.sh $(PKG_BENCH)
	@hack/unpack.sh bin/peers tftpd-hpa
	CGO_ENABLED=1 $(GO) -C tools/peers build -trimpath -o ../../bin/peers/ $(MOD_BENCH)
BENCH ?= -markdown docs/benchmarks.md
bench-boot: setup-bench build ## DHCP, TFTP, boot scripts and boot HTTP beside other servers; BENCH='-only tftp -rounds 2' for a part
	$(GO) build -trimpath -o bin/bench-boot ./bench/boot
	$(SUDO) bin/bench-boot -commit $(VERSION) $(BENCH)

bench-bmc: setup-bench ## power status of 200 BMCs: our driver beside ipmitool in a loop and ipmipower
	$(GO) build -trimpath -o bin/bench-bmc ./bench/bmc
	$(SUDO) bin/bench-bmc -commit $(VERSION) $(BENCH)

SOAK ?= -only 'dhcp exchanges' -soak 1h
soak: setup-bench build ## an hour of DHCP at half the rate that it reaches, with flat memory; SOAK='-only scripts -soak 10m' for another
	$(GO) build -trimpath -o bin/bench-boot ./bench/boot
	$(SUDO) bin/bench-boot $(SOAK)

.PHONY: check generate
check: setup-test ## format, vet, lint, import rules, generated files
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'gofmt: the files above are not formatted'; exit 1; }
	$(GO) vet ./... && $(GO) vet -tags e2e ./...
	$(GO) mod verify >/dev/null
	$(LINT) run --build-tags e2e ./...
	$(GO) test -count=1 ./internal/arch
generate: ## write the generated documents anew
	$(GO) test -count=1 ./internal/config ./inventory ./inventory/search ./inventory/verdict ./web ./cmd/socle -update
