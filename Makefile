# Kontor: `make run` starts everything, `make test` passes all tests. Needs Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PYTHONUNBUFFERED := 1

.PHONY: run test test-quick bench lint fmt lock clean messages

run: $(READY)
	@$(BIN)/python manage.py up

test: lint
	@KONTOR_DATA_DIR=$${KONTOR_DATA_DIR:-.kontor/test} bash .ci/browser
	@KONTOR_DATA_DIR=$${KONTOR_DATA_DIR:-.kontor/test} $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-quick: $(READY)
	@KONTOR_DATA_DIR=$${KONTOR_DATA_DIR:-.kontor/test} $(BIN)/python -m pytest -m "not slow and not browser and not faults" $(ARGS)

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks $(NAME) $(ARGS)

lint: $(READY)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')

fmt: $(READY)
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
	@$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')

messages: $(READY)
	@$(BIN)/pybabel -q compile -f -D django -d commerce/locale

lock: $(READY)
	@$(BIN)/python -m pip install -q pip-tools
	@$(BIN)/pip-compile -q --all-extras --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml

$(READY): requirements.lock $(wildcard commerce/locale/*/LC_MESSAGES/django.po)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pybabel -q compile -f -D django -d commerce/locale
	@touch $(READY)

clean:
	rm -rf $(VENV) .kontor
