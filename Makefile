# What there is to do in this repository; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help quickstart setup build test test-kafka test-mongodb fmt lint bench clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The profile that the tests use too: it builds in half the time of --release, with optimised libraries.
quickstart: ## One process, nothing else installed: an embedded broker, object storage, a worker, flights (ARGS=…)
	cargo run -p dovetail -- quickstart $(ARGS)

setup: ## Fetch what the tests run against: Kafka, a JVM Connect worker, an S3 server, an in-memory MongoDB (into .cache/stack)
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.95 or newer" >&2; exit 1; }
	tests/stack/fetch
	tests/stack/mongo/fetch

build: ## The release binary, target/release/dovetail
	cargo build --release -p dovetail

test: setup ## All tests, those against real servers too; the last line sums them up
	tests/run

test-kafka: setup ## Kafka's own integration tests of Connect, about four minutes; the result goes to docs/kafka-tests.md
	cargo build -p dovetail
	tests/java/kafka-tests/judge

test-mongodb: setup ## The MongoDB tests on a replica set of yours (MONGODB_URI=mongodb://…); see docs/mongodb-replica-set.md
	@[ -n "$(MONGODB_URI)" ] || { echo "Say which: make test-mongodb MONGODB_URI=mongodb://user:password@host1,host2/?replicaSet=rs0" >&2; exit 1; }
	@cargo build -p dovetail
	@MONGODB_URI='$(MONGODB_URI)' cargo test -p dovetail-tests --test it -- mongodb

fmt: ## Format the sources
	cargo fmt --all

lint: ## Formatting, clippy without warnings, licences of all libraries
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test -p dovetail-tests --test it -- licences

bench: setup build ## Dovetail beside JVM workers on the same broker (WHAT=run, cluster or status, ARGS=…)
	tests/bench/$(or $(WHAT),run) $(ARGS)

clean: ## Remove all that was built and fetched
	cargo clean
	rm -rf .cache
