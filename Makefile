# `make` prints this help. Every target calls a script that you can also run.
PYTHON ?= python3
# A plain sentence where there is no Python; runtime/venv.py has those about its version. -I: it starts whatever PYTHONHOME,
# PYTHONPATH, PYTHONWARNINGS and their like say, which then go no further (runtime/environment.py).
RUN = @command -v $(PYTHON) >/dev/null || { echo "twogates: there is no $(PYTHON) here, and Python 3.11 or newer is needed" >&2; exit 1; }; \
	exec $(PYTHON) -I runtime/venv.py

.DEFAULT_GOAL := help
# Every name here is a command and none a file.
.PHONY: $(MAKECMDGOALS)

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ First (RUNTIME=docker or RUNTIME=local chooses how it runs; otherwise the project does, and says so)
doctor: ## What this machine has and lacks for all of it, and how to mend each (JSON=1)
	$(RUN) none -m ops.doctor $(if $(JSON),--json)
up: ## Start it and wait until it answers
	$(RUN) runtime -m ops.stack up
status: ## What runs
	$(RUN) runtime -m ops.stack status
logs: ## The newest log lines, and those to come
	$(RUN) runtime -m ops.stack logs
down: ## Stop it; the notice board is kept
	$(RUN) runtime -m ops.stack down
clean: ## Stop it, and remove all that was made and downloaded; results, backups and secrets are kept
	$(RUN) none -m dev.clean

##@ The laboratory
load: ## The first lesson: the same users on all three services (WORKLOAD= USERS= WAIT= SECONDS= S=)
	$(RUN) runtime,loadtest -m loadtest load
lab: ## Experiments: predicted, measured, audited, judged (X="queue slots" FULL=1 RESUME=1 RUNTIME=docker)
	$(RUN) runtime,services,loadtest -m loadtest lab
compare: ## Two runs: what changed beyond the noise (A=latest B=results/<another>)
	$(RUN) runtime,loadtest -m loadtest compare
locust: ## Locust's own page, with users for every service and workload
	$(RUN) runtime,loadtest -m loadtest.locust_page
plan: ## How many workers, threads and replicas a demand needs (WAIT= CPU= RATE= P99=, CHECK=1)
	$(RUN) runtime,services,loadtest -m loadtest plan
chaos: ## Faults under load on a stack of its own, on Docker: what each one costs (F="kill-worker hup" SHORT=1 PLAIN=1)
	$(RUN) runtime,loadtest -m loadtest chaos
chat: ## Sockets on one board, and every message on each of them, with a replica killed too (SOCKETS= RATE= SECONDS= KILL=)
	$(RUN) runtime,services,loadtest -m loadtest.chat
bench: ## What a request costs each service, in CPU time and memory, beside the bare server
	$(RUN) runtime,services,loadtest -m loadtest.bench

##@ Looking after it
reload: ## Nginx takes its changed configuration, if nginx -t accepts it
	$(RUN) runtime -m ops.stack reload
deploy: ## Migrate, then replace a service's replicas while it serves, on Docker (S=fastapi S=all; WITHIN=120 seconds to be healthy)
	$(RUN) runtime -m ops.deploy $(S)
update: ## Newer base images: pull them, build on them, and replace what runs, on Docker
	$(RUN) runtime -m ops.refresh
backup: ## Copy the database to a file in backups/, while it serves
	$(RUN) runtime -m ops.backup
backup-key: ## A new key to read encrypted backups with, in a new file (F=...)
	$(RUN) runtime -m ops.backup --new-key "$(F)"
restore: ## Replace the database by a backup (B=backups/...; default: the newest. BACKUP_KEY=... where it is encrypted)
	$(RUN) runtime -m ops.restore $(B) $(if $(BACKUP_KEY),--key "$(BACKUP_KEY)")
secrets: ## The secrets that production needs, each a file; what is there is kept
	$(RUN) runtime -m runtime.secrets
admin: ## The user of Django's admin site, or a new password for him, printed once
	$(RUN) runtime -m ops.stack admin
trust: ## How a browser or program comes to trust the development certificate
	$(RUN) runtime -m ops.trust
units: ## systemd units for a host without containers, in .run/systemd (docs/systemd.md)
	$(RUN) runtime,services -m ops.systemd

##@ Changing it
dev: ## Start it so that an edit of a service shows in the next response
	$(RUN) runtime -m ops.stack dev
test: ## Linters and every test of function that this machine can run
	$(RUN) runtime,services,loadtest,tests -m dev.testing.run function
test-measured: ## Tests that hold times and rates, or take long: met, not met, or too busy to tell (SHORT=1)
	$(RUN) runtime,services,loadtest,tests -m dev.testing.run measured $(if $(SHORT),--short)
lint: ## The linters alone
	$(RUN) runtime,services,loadtest,tests -m dev.lint
audit: ## Known vulnerabilities, licences, and a bill of materials of every image (OSV_URL= a mirror)
	$(RUN) runtime,services,loadtest,tests -m dev.audit
rebuild: ## Build every image twice from nothing, and compare the two bit by bit
	$(RUN) runtime -m dev.reproducible
bundle: ## All images and Python packages in one file, for a room without a network (PYTHONS="python3.12 ...")
	$(RUN) runtime -m dev.bundle
load-bundle: ## Take such a file in: make up then needs no network (B=bundle/... SHA256=...)
	$(RUN) none -m dev.load_bundle
lock: ## Lock the newest versions of all packages
	$(RUN) runtime -m dev.lock
shots: ## The pictures of the docs, made anew from the real program
	$(RUN) runtime,services,loadtest,tests -m dev.shots
