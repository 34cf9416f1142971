# make sweep · make test · make lint · make docs · make figures; each builds .venv when it is missing or requirements.txt has changed.
# ARGS goes to the script: make sweep ARGS="mnist --data-dir ~/data"
PYTHON ?= python3
RUN := .venv/bin/python

.PHONY: sweep test lint docs figures

sweep: .venv/ready
	$(RUN) experiments/sweep.py $(ARGS)

test: .venv/ready
	$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

docs: .venv/ready
	$(RUN) docs/tables.py
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

figures: .venv/ready
	$(RUN) analysis/figures.py figure1 analysis/results/mnist analysis/results/mnist-blog --out figures/mnist-figure1.png
	$(RUN) analysis/figures.py losses analysis/results/mnist-blog --published analysis/results/mnist-blog/notebook.csv --out figures/mnist-blog-losses.png

.venv/ready: requirements.txt pyproject.toml
	@echo "installing into .venv: minutes, and about 2 GB"
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet -r requirements.txt
	touch $@
