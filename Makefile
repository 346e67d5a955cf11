# The daily commands; CONTRIBUTING.md says when to use which. Everything they do is written in yunlian/edge.
PYTHON ?= $(shell for each in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV := .venv/bin/python

.PHONY: run test quick bench fmt lock

run:		## prepare, migrate, load the demonstration once, serve on 127.0.0.1:$${PORT:-8000}
	@$(PYTHON) -m yunlian.edge.prepare run && exec $(VENV) -m yunlian run

test:		## every check there is
	@$(PYTHON) -m yunlian.edge.prepare test && exec $(VENV) -m yunlian check

quick:		## the Python tests alone, without the slow and the browser ones
	@$(PYTHON) -m yunlian.edge.prepare dev && exec $(VENV) -m pytest -q -m "not slow and not browser"

bench:		## measure, as ratios; QUICK=1 for a smaller one
	@$(PYTHON) -m yunlian.edge.prepare dev && exec $(VENV) -m bench

fmt:		## format and mend what can be mended
	@$(PYTHON) -m yunlian.edge.prepare dev && $(VENV) -m ruff format . && $(VENV) -m ruff check --fix .

lock:		## renew the lock files from pyproject.toml; they name no host
	@$(PYTHON) -m yunlian.edge.prepare dev && $(VENV) -m yunlian lock
