# make demo      a first video, on a fresh machine        make test       the test suite
# make install   .venv with the base                      make test-slow  those that take long
# make install-all   with every extra: models (torch), cluster (Ray), tests; make test needs it too
#                                                          make test-systemd  under a real systemd (root)

VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo.mp4
# Files that say that an installation is complete, and for which state of these:
RECIPE := pyproject.toml setup.sh

.PHONY: install install-all demo test test-slow test-systemd lint clean
.DELETE_ON_ERROR:

install: $(VENV)/.installed
install-all: $(VENV)/.installed-all

$(VENV)/.installed: $(RECIPE)
	@./setup.sh
	@touch $@

$(VENV)/.installed-all: $(RECIPE)
	@./setup.sh models publish cluster test
	@touch $@ $(VENV)/.installed

demo: install
	@$(BIN)/vigentd demo --out $(DEMO)

lint: $(VENV)/.installed-all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

# Hundreds of processes are begun, and what the first one compiles the others need not: a fifth of their start.
test: lint
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 --dist loadfile

test-slow: $(VENV)/.installed-all
	$(BIN)/pytest -m "slow or hypothesis" --hypothesis-profile wandering --timeout 3600

# Needs root, and debootstrap systemd-container. SYSTEMD_TREE=/folder keeps the Debian for the next time.
test-systemd: $(VENV)/.installed-all
	$(BIN)/pytest -m slow --timeout 900 tests/systemd

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
