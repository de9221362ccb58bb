#!/bin/sh
# Sets up what is missing: system packages (Debian, Ubuntu) and a virtual environment in .venv.
# Prints nothing and changes nothing when all is there. Run by `make`; safe to run again.
set -eu
cd "$(dirname "$0")/.."

fail() {
  printf 'error: %s\n  next: %s\n' "$1" "$2" >&2
  exit 4
}

have() { command -v "$1" >/dev/null 2>&1; }

# A package is asked for only when what it brings is not there: other systems bring it in other ways.
missing=""
have qemu-system-arm || missing="$missing qemu-system-arm"
have arm-none-eabi-gcc || missing="$missing gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"
if have arm-none-eabi-gcc; then
  case "$(arm-none-eabi-gcc -print-file-name=nano.specs)" in
    */*) ;;
    *) missing="$missing libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib" ;;
  esac
fi
have gcc || missing="$missing gcc libc6-dev"
# The Arduino Mega 2560 of the tests: Debian's AVR compiler and Arduino core, and the simulator as a library.
have avr-gcc || missing="$missing gcc-avr avr-libc"
[ -e /usr/share/arduino/hardware/arduino/avr/cores/arduino/Arduino.h ] || missing="$missing arduino-core-avr"
[ -e /usr/include/simavr/sim_avr.h ] || missing="$missing simavr libsimavr-dev libelf-dev"
if [ ! -e /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz ] &&
  [ ! -e "${KERAS_HOME:-$HOME/.keras}/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz" ] &&
  [ -z "${BOARDPROOF_DATA:-}" ] && have apt-cache && apt-cache show dataset-fashion-mnist >/dev/null 2>&1; then
  missing="$missing dataset-fashion-mnist" # elsewhere Keras downloads the data
fi

# TensorFlow and the oracle have wheels for CPython 3.11 to 3.13.
python=""
for candidate in ${PYTHON:-python3} python3.13 python3.12 python3.11; do
  if have "$candidate" && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ] && ! have python3; then
  missing="$missing python3 python3-venv"
elif [ -n "$python" ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  missing="$missing python3-venv"
fi

if [ -n "$missing" ]; then
  command="apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends$missing"
  have apt-get || fail "missing:$missing (names of Debian packages)" "install them with your system's package manager"
  if [ "$(id -u)" = 0 ]; then
    run="sh -c"
  elif have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    run="sudo sh -c"
  else
    fail "system packages are missing, and neither root nor sudo is at hand" "as root: $command"
  fi
  echo "set-up: installing$missing"
  $run "$command" || fail "the system packages could not be installed" "as root: $command"
  [ -n "$python" ] || { have python3 && python=python3; }
fi
[ -n "$python" ] || fail "no CPython 3.11 to 3.13 was found" "install one, then: make PYTHON=/path/to/python3.12"

wanted=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open("pyproject.toml", "rb").read()).hexdigest())')
stamp=.venv/.boardproof-set-up
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ] || ! .venv/bin/python -c '' 2>/dev/null; then
  echo "set-up: virtual environment .venv with the Python packages of pyproject.toml"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[export,dev]' ||
    fail "the Python packages could not be installed" ".venv/bin/python -m pip install --editable '.[export,dev]'"
  .venv/bin/python firmware/platform/offline.py || fail "PlatformIO cannot build here" "give it network access once"
  printf '%s\n' "$wanted" >"$stamp"
fi
