# `make` prints this help. Every target calls a script that you can also run.
PYTHON ?= python3
# A plain sentence where there is no Python; scripts/venv.py has those about its version. -I: it starts whatever PYTHONHOME,
# PYTHONPATH, PYTHONWARNINGS and their like say, which then go no further (scripts/environment.py).
RUN = @command -v $(PYTHON) >/dev/null || { echo "twogates: there is no $(PYTHON) here, and Python 3.11 or newer is needed" >&2; exit 1; }; \
	exec $(PYTHON) -I scripts/venv.py

.DEFAULT_GOAL := help
# Every name here is a command and none a file.
.PHONY: $(MAKECMDGOALS)

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ First (RUNTIME=docker or RUNTIME=local chooses how it runs; otherwise the project does, and says so)
doctor: ## What this machine has and lacks for all of it, and how to mend each (JSON=1)
	$(RUN) none -m scripts.doctor $(if $(JSON),--json)
up: ## Start it and wait until it answers
	$(RUN) scripts -m scripts.stack up
status: ## What runs
	$(RUN) scripts -m scripts.stack status
logs: ## The newest log lines, and those to come
	$(RUN) scripts -m scripts.stack logs
down: ## Stop it; the notice board is kept
	$(RUN) scripts -m scripts.stack down
clean: ## Stop it, and remove all that was made and downloaded; results, backups and secrets are kept
	$(RUN) none -m scripts.clean

##@ The laboratory
load: ## The first lesson: the same users on all three services (WORKLOAD= USERS= WAIT= SECONDS= S=)
	$(RUN) scripts,loadtest -m loadtest load
lab: ## Experiments: predicted, measured, audited, judged (X="queue slots" FULL=1 RESUME=1 RUNTIME=docker)
	$(RUN) scripts,services,loadtest -m loadtest lab
compare: ## Two runs: what changed beyond the noise (A=latest B=results/<another>)
	$(RUN) scripts,loadtest -m loadtest compare
locust: ## Locust's own page, with users for every service and workload
	$(RUN) scripts,loadtest -m scripts.locust
plan: ## How many workers, threads and replicas a demand needs (WAIT= CPU= RATE= P99=, CHECK=1)
	$(RUN) scripts,services,loadtest -m loadtest plan
chaos: ## Faults under load on a stack of its own, on Docker: what each one costs (F="kill-worker hup" SHORT=1 PLAIN=1)
	$(RUN) scripts,loadtest -m loadtest chaos
chat: ## Sockets on one board, and every message on each of them, with a replica killed too (SOCKETS= RATE= SECONDS= KILL=)
	$(RUN) scripts,services,loadtest -m scripts.chat
bench: ## What a request costs each service, in CPU time and memory, beside the bare server
	$(RUN) scripts,services,loadtest -m scripts.bench

##@ Looking after it
reload: ## Nginx takes its changed configuration, if nginx -t accepts it
	$(RUN) scripts -m scripts.stack reload
deploy: ## Migrate, then replace a service's replicas while it serves, on Docker (S=fastapi S=all; WITHIN=120 seconds to be healthy)
	$(RUN) scripts -m scripts.deploy $(S)
update: ## Newer base images: pull them, build on them, and replace what runs, on Docker
	$(RUN) scripts -m scripts.refresh
backup: ## Copy the database to a file in backups/, while it serves
	$(RUN) scripts -m scripts.backup
backup-key: ## A new key to read encrypted backups with, in a new file (F=...)
	$(RUN) scripts -m scripts.backup --new-key "$(F)"
restore: ## Replace the database by a backup (B=backups/...; default: the newest. BACKUP_KEY=... where it is encrypted)
	$(RUN) scripts -m scripts.restore $(B) $(if $(BACKUP_KEY),--key "$(BACKUP_KEY)")
secrets: ## The secrets that production needs, each a file; what is there is kept
	$(RUN) scripts -m scripts.secrets
admin: ## The user of Django's admin site, or a new password for him, printed once
	$(RUN) scripts -m scripts.stack admin
trust: ## How a browser or program comes to trust the development certificate
	$(RUN) scripts -m scripts.trust
units: ## systemd units for a host without containers, in .run/systemd (docs/systemd.md)
	$(RUN) scripts,services -m scripts.systemd

##@ Changing it
dev: ## Start it so that an edit of a service shows in the next response
	$(RUN) scripts -m scripts.stack dev
test: ## Linters and every test of function that this machine can run
	$(RUN) scripts,services,loadtest,tests -m scripts.test function
test-measured: ## Tests that hold times and rates, or take long: met, not met, or too busy to tell (SHORT=1)
	$(RUN) scripts,services,loadtest,tests -m scripts.test measured $(if $(SHORT),--short)
lint: ## The linters alone
	$(RUN) scripts,services,loadtest,tests -m scripts.lint
audit: ## Known vulnerabilities, licences, and a bill of materials of every image (OSV_URL= a mirror)
	$(RUN) scripts,services,loadtest,tests -m scripts.audit
rebuild: ## Build every image twice from nothing, and compare the two bit by bit
	$(RUN) scripts -m scripts.reproducible
bundle: ## All images and Python packages in one file, for a room without a network (PYTHONS="python3.12 ...")
	$(RUN) scripts -m scripts.bundle
load-bundle: ## Take such a file in: make up then needs no network (B=bundle/... SHA256=...)
	$(RUN) none -m scripts.load_bundle
lock: ## Lock the newest versions of all packages
	$(RUN) scripts -m scripts.lock
shots: ## The pictures of the docs, made anew from the real program
	$(RUN) scripts,services,loadtest,tests -m scripts.shots
