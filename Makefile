# `make` prints this help. Every target calls a script that you can also run.
PYTHON ?= python3
# Print a plain message if there is no Python; runtime/venv.py prints those about its version. With -I, Python starts in spite of
# PYTHONHOME, PYTHONPATH, PYTHONWARNINGS and the like. runtime/environment.py then drops these variables.
RUN = @command -v $(PYTHON) >/dev/null || { echo "twogates: there is no $(PYTHON) here, and Python 3.11 or newer is needed" >&2; exit 1; }; \
	exec $(PYTHON) -I runtime/venv.py

.DEFAULT_GOAL := help
# Every target is a command, not a file.
.PHONY: $(MAKECMDGOALS)

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ First steps (RUNTIME=docker or RUNTIME=local selects the runtime; without it the project selects one and says which)
doctor: ## Check this machine, and say how to fix what is missing (JSON=1)
	$(RUN) none -m ops.doctor $(if $(JSON),--json)
up: ## Start the stack and wait until it answers
	$(RUN) runtime -m ops.stack up
status: ## Show what runs
	$(RUN) runtime -m ops.stack status
logs: ## Print the newest log lines and follow the log
	$(RUN) runtime -m ops.stack logs
down: ## Stop the stack; the data is kept
	$(RUN) runtime -m ops.stack down
clean: ## Stop the stack and remove what was built or downloaded; results, backups and secrets are kept
	$(RUN) none -m ops.clean

##@ The laboratory
load: ## First lesson: put the same load on all three services (WORKLOAD= USERS= WAIT= SECONDS= S=)
	$(RUN) runtime,loadtest -m loadtest load
lab: ## Run experiments: predict, measure, audit, judge (X="queue slots" FULL=1 RESUME=1 RUNTIME=docker)
	$(RUN) runtime,services,loadtest -m loadtest lab
compare: ## Compare two runs: what changed by more than the noise (A=latest B=results/<another>)
	$(RUN) runtime,loadtest -m loadtest compare
locust: ## Open Locust's own page, with users for every service and workload
	$(RUN) runtime,loadtest -m loadtest.locust_page
plan: ## Calculate the workers, threads and replicas that a demand needs (WAIT= CPU= RATE= P99=, CHECK=1)
	$(RUN) runtime,services,loadtest -m loadtest plan
chaos: ## Inject faults under load into a separate stack on Docker, and show what each costs (F="kill-worker hup" SHORT=1 PLAIN=1)
	$(RUN) runtime,loadtest -m loadtest chaos
chat: ## Open many sockets on one board and check that each gets every message, also when a replica is killed (SOCKETS= RATE= SECONDS= KILL=)
	$(RUN) runtime,services,loadtest -m loadtest.chat
bench: ## Measure the CPU time and memory of a request, beside the bare server and the plain framework
	$(RUN) runtime,services,loadtest -m loadtest.bench

##@ Operation
reload: ## Reload Nginx with its changed configuration, if nginx -t accepts it
	$(RUN) runtime -m ops.stack reload
deploy: ## Migrate, then replace a service's replicas without losing a request, on Docker (S=fastapi S=all; WITHIN=120 seconds to be healthy)
	$(RUN) runtime -m ops.deploy $(S)
update: ## Pull newer base images, rebuild, and replace what runs without losing a request, on Docker
	$(RUN) runtime -m ops.refresh
backup: ## Write a backup of the running database to backups/
	$(RUN) runtime -m ops.backup
backup-key: ## Generate the private key for encrypted backups in a new file (F=...)
	$(RUN) runtime -m ops.backup --new-key "$(F)"
restore: ## Replace the database with a backup (B=backups/...; default: the newest. BACKUP_KEY=... for an encrypted one)
	$(RUN) runtime -m ops.restore $(B) $(if $(BACKUP_KEY),--key "$(BACKUP_KEY)")
secrets: ## Generate the missing secrets that production needs
	$(RUN) runtime -m runtime.secrets
admin: ## Create the user of Django's admin site, or set a new password; it is printed once
	$(RUN) runtime -m ops.stack admin
trust: ## Explain how a browser or program can trust the development certificate
	$(RUN) runtime -m ops.trust
units: ## Generate systemd units for a host without containers, in .run/systemd (docs/systemd.md)
	$(RUN) runtime,services -m ops.systemd

##@ Development
dev: ## Start the stack so that an edit of a service shows in the next response
	$(RUN) runtime -m ops.stack dev
test: ## Run the linters and every functional test that this machine can run
	$(RUN) runtime,services,loadtest,tests -m dev.testing.run function
test-measured: ## Run the tests that measure times and rates, or take long: met, not met, or too busy to tell (SHORT=1)
	$(RUN) runtime,services,loadtest,tests -m dev.testing.run measured $(if $(SHORT),--short)
lint: ## Run the linters
	$(RUN) runtime,services,loadtest,tests -m dev.lint
audit: ## Report known vulnerabilities and licences, and write a bill of materials for each image (OSV_URL= a mirror)
	$(RUN) runtime,services,loadtest,tests -m dev.audit
rebuild: ## Build each image twice without a cache, and compare the two bit by bit
	$(RUN) runtime -m dev.reproducible
bundle: ## Pack all images and Python packages into one file, for a room without a network (PYTHONS="python3.12 ...")
	$(RUN) runtime -m dev.bundle
load-bundle: ## Load such a file; make up then needs no network (B=bundle/... SHA256=...)
	$(RUN) none -m dev.load_bundle
lock: ## Lock the newest versions of all packages
	$(RUN) runtime -m dev.lock
shots: ## Regenerate the pictures in the docs from the running program
	$(RUN) runtime,services,loadtest,tests -m dev.shots
