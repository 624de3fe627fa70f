# Needs nothing but make and a Python >= 3.11: `make demo` installs first.
# Another interpreter: make install PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install peers demo test check schema clean

help:
	@echo "make install  create $(VENV) with EfficientTrust and everything needed to work on it"
	@echo "make peers    install the libraries that benchmarks and some tests compare with"
	@echo "make demo     install, then train on Adult under a budget; ends with the path of report.html"
	@echo "make test     install, then run all tests, the code in the docs included"
	@echo "make check    install, then ruff, mypy and the code in the docs"
	@echo "make schema   write docs/fit.schema.json and docs/study.schema.json anew"
	@echo "make clean    remove $(VENV), caches and build outputs (runs/ stays)"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "error: $(PYTHON) is missing or older than 3.11; name another one: make install PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: $(PYTHON) cannot create environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(STAMP)

peers: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/peers.txt

demo: install
	@$(BIN)/efficienttrust fit adult --sensitive sex --budget "time=20s cpu, size=300kB, latency=2ms" \
		--target "demographic_parity_difference <= 0.05" --target "robust_accuracy(pgd, eps=0.25) >= 0.80" \
		--out runs/adult --overwrite

test: install
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src
	$(BIN)/python -m pytest tests/docs

schema: install
	$(BIN)/python -c 'import json; from efficienttrust.pipeline.spec import fit_spec_schema; \
		print(json.dumps(fit_spec_schema(), indent=2))' > docs/fit.schema.json
	$(BIN)/python -c 'import json; from efficienttrust.study.spec import study_schema; \
		print(json.dumps(study_schema(), indent=2))' > docs/study.schema.json

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
