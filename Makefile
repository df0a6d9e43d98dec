# gridhub's commands. `make demo` and `make test` need nothing but Python 3.11.
.DEFAULT_GOAL := help
PERSONS ?= 5000
SEED ?= 2026
NOISE ?= 1
FAULTS ?=
ARGS ?=
BIN := .venv/bin
# Without compiled modules in .venv every process compiles Airflow anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup setup-extras demo up down test test-long test-compose bench bench-linkage bench-scale lint lock clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the gridhub command from the lock (quick when nothing changed)
	@scripts/setup

setup-extras:
	@scripts/setup --extras

demo: setup ## play a county end to end through Airflow; again: live one more day
	@$(BIN)/python -m demo run --persons $(PERSONS) --seed $(SEED) --noise $(NOISE) $(if $(FAULTS),--faults)

up: setup ## leave Airflow's UI and the county running; prints addresses and logins
	@$(BIN)/python -m demo up --persons $(PERSONS) --seed $(SEED) --noise $(NOISE) $(if $(FAULTS),--faults)

down: setup ## stop what `make up` left running
	@$(BIN)/python -m demo down

lint: setup ## formatting and floors
	@$(BIN)/ruff check . && $(BIN)/lint-imports

test: setup lint ## the suite (under 10 minutes on 2 cores)
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not long"

test-long: setup-extras ## kills, scale and faults at length (within 60 minutes)
	@$(BIN)/python -m pytest -m long --timeout 3000

test-compose: setup ## the compose file for real, where a container engine runs
	@$(BIN)/python scripts/test_compose.py

bench: setup ## the stage table of a whole run
	@$(BIN)/python benchmarks/bench_stages.py

bench-linkage: setup-extras ## linkage beside stock Splink on the same rows (ARGS="--only febrl")
	@$(BIN)/python benchmarks/bench_linkage.py $(ARGS)

bench-scale: setup ## 100 k, 1 M and 5 M records, stage by stage (hours, 60 GB of disk)
	@$(BIN)/python benchmarks/bench_scale.py

lock: setup ## resolve requirements/*.in again
	@cd requirements && for f in uv virtualenv; do ../$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate -p 3.11 $$f.in -o $$f.txt; done
	@cd requirements && ../$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate -p 3.11 main.in -o main.txt
	@cd requirements && ../$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate -p 3.11 main.in dev.in -o dev.txt
	@cd requirements && ../$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate -p 3.11 extras.in -o extras.txt

clean: ## remove what runs leave (stops the servers first)
	@-$(BIN)/python -m demo down
	@rm -rf var
