# The commands of tocsin. Each installs what is missing first; see scripts/install-dependencies.sh.
#
#   make demo    the main job, from a spreadsheet to a report, with a simulated carrier (two to three minutes)
#   make test    every check that must pass before a change lands
#   make bench   measures this machine and tocsin on it; writes target/bench/report.json (ASTERISK=FOLDER: and Asterisk)
#   make deny    licences and sources of the dependencies; needs cargo-deny
#   make fuzz    every fuzz target for SECONDS (60) each; needs cargo-fuzz, see fuzz/README.md
#   make soak    the crash test with 200 kills instead of the 20 of `make test`
#   make slow-disk  the real program with a disk whose flushes take 0.3 s, then 3 s (a minute and a quarter)
#   make full-disk  the real program on a disk that fills up in a campaign, twice, with each store (five minutes)

CARGO ?= cargo
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:

# Arguments for the demonstration, for example: make demo DEMO="--seed 7 --open"
DEMO ?=
KILLS ?= 20
SECONDS ?= 60

.PHONY: help demo test bench soak fuzz install-deps lint unit programs peers demo-short crash full-disk slow-disk deny clean

help:
	@sed -n 's/^#   make/  make/p' Makefile

install-deps:
	@scripts/install-dependencies.sh

demo: install-deps
	$(CARGO) build --release --locked --bin tocsin --bin carrier --bin demo
	target/release/demo $(DEMO)

test: install-deps lint unit programs peers demo-short crash
	@echo "make test: every check passed"

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# Licences, sources and doubles of the dependencies; needs cargo-deny (cargo install --locked cargo-deny).
deny:
	$(CARGO) deny --locked check licenses bans sources

unit:
	$(CARGO) test --workspace --locked

# The programs that the checks below run as processes of their own; the same profile as the tests, so nothing is built twice.
programs:
	$(CARGO) build --workspace --bins --locked

# SIPp as scripted far end in both directions, baresip and linphone as independent telephones, Kamailio as proxy.
peers: programs
	target/debug/peers

demo-short: programs
	target/debug/demo --short --folder target/demo-short --summary target/demo-short.json

crash: programs
	target/debug/crash --kills $(KILLS)

# The disk fills up in the middle of a campaign; needs root or user namespaces.
full-disk: install-deps programs
	target/debug/crash --full-disk --communes 45 --folder target/full-disk --store sled
	target/debug/crash --full-disk --communes 60 --folder target/full-disk --store redb

# Each flush of the journal is held up by a tracer.
slow-disk: install-deps programs
	target/debug/crash --slow-disk --communes 8 --folder target/slow-disk

soak: install-deps
	$(MAKE) --no-print-directory crash KILLS=200

fuzz: install-deps
	fuzz/run all $(SECONDS)

bench: install-deps
	$(CARGO) build --release --locked --package benches --bins
	target/release/report $(if $(ASTERISK),--asterisk $(ASTERISK))

clean:
	$(CARGO) clean
