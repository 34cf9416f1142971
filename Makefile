# make sweep · make test; each builds .venv when it is missing or requirements.txt has changed.
# ARGS goes to the script: make sweep ARGS="mnist --data-dir ~/data"
PYTHON ?= python3
RUN := .venv/bin/python

.PHONY: sweep test

sweep: .venv/ready
	$(RUN) experiments/sweep.py $(ARGS)

test: .venv/ready
	$(RUN) -m pytest -n 2 --dist loadfile $(ARGS)

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet -r requirements.txt
	touch $@
