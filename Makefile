# Everything that is done often, each by one command. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint ui deny test-kernels sizes bench fuzz soak format

# Options for `make run`: make run ARGS="--store /srv/weir/store"
ARGS ?=
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
WEIR := $${CARGO_TARGET_DIR:-target}/release/weir

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build Weir, and start `weir up`: see this host at http://127.0.0.1:7400 (options in ARGS="...")
	@scripts/setup build
	cargo build --release --locked --offline --package cli
	$(SUDO) $(WEIR) up $(ARGS)

test: ## every test; the last line counts them
	@scripts/setup test
	@scripts/test

setup: ## install what is missing to build and test, and nothing else
	@scripts/setup test

lint: ## form and warnings, of Rust and C
	@scripts/lint

format: ## put Rust and C into their form
	cargo fmt --all
	find bpf -name '*.[ch]' -exec clang-format -i {} +

ui: ## the web page (ui/dist) anew from its sources; needs Node
	@scripts/ui build

deny: ## licences, origins and known vulnerabilities of dependencies, by cargo-deny
	@scripts/deny

test-kernels: ## the kernel programs and two scenarios on every kernel there is a VM for
	@scripts/setup test
	@WEIR_VM_RUNNER="$$(scripts/vm-runner)" tests/kernels/run

sizes: ## writes down what the kernel programs take on this kernel and in every VM
	cargo build --release --locked --offline --package cli
	@$(SUDO) tests/kernels/measure $(WEIR) | tests/kernels/sizes --renew
	@runner="$$(scripts/vm-runner)"; for kernel in $${runner:+5.10 6.1 6.12 sid}; do \
		"$$runner" $$kernel -- "$$PWD/tests/kernels/measure" "$$(realpath $(WEIR))" | tests/kernels/sizes --renew || exit 1; done

bench: ## cost and truth under load; writes bench/out/latest.json
	@scripts/setup test
	@bench/run

fuzz: ## every fuzz target for FUZZ_SECONDS (600)
	@scripts/fuzz

soak: ## the agent at 5,000 requests/s for SOAK_SECONDS (3600); memory may grow by 2 % after the warm-up
	@scripts/setup test
	cargo build --release --locked --offline --package cli
	@$(SUDO) scripts/soak $(WEIR)
