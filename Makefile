# Two commands: `make prove` and `make test`. Each sets up what is missing first.
.PHONY: prove test lint format set-up fuzz faults bench clean help

TARGET ?= qemu_cortex_m4
FUZZ_SECONDS ?= 1800
BIN := .venv/bin
# One more than processors: some tests wait.
TEST_PROCESSES ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 1) + 1)))

help:
	@echo "make prove   from Fashion-MNIST to a verdict on an emulated board (TARGET=$(TARGET))"
	@echo "make test    all tests"
	@echo "make lint    ruff, mypy --strict, clang-format, rendered protocol files"
	@echo "make format  reformat Python and C"
	@echo "make bench   how full the link is, beside other protocols"
	@echo "make faults  one fault at every byte of a conversation, some 15 minutes"
	@echo "make fuzz    the fuzz targets for half an hour each (FUZZ_SECONDS=$(FUZZ_SECONDS)); needs clang"
	@echo "make clean   end emulated boards in the background, remove builds, caches, models and reports; keeps .venv"

set-up:
	@PYTHON="$(PYTHON)" scripts/set-up.sh

prove: set-up
	@$(BIN)/boardproof prove --target $(TARGET)

test: set-up
	@$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile

C_FILES = $(shell git ls-files 'firmware/*.c' 'firmware/*.h' 'firmware/*.cc' 'firmware/*.cpp' | grep -v protocol/messages.h)

lint: set-up
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)
	$(BIN)/python firmware/generate_protocol.py --check

format: set-up
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

clean:
	@if [ -d .pio/emulators ]; then python3 firmware/platform/emulator.py stop --state .pio/emulators; fi
	rm -rf .pio .boardproof firmware/generated

bench: set-up
	@$(BIN)/python bench/link.py

faults: set-up
	@$(BIN)/python tests/link/matrix.py --model small
	@$(BIN)/python tests/link/matrix.py --model small --busy
	@$(BIN)/python tests/link/matrix.py --model images --plain

fuzz: set-up
	@$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS)
