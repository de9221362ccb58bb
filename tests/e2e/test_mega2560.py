"""Arduino Mega 2560 firmware: built with Debian's compiler and Arduino core, run in simavr, streamed to by the host.

100 KB of weights in flash beyond 64 KB, 8 KB of RAM, a UART that really takes its time. docs/BOARDS.md says what the
simulator does not show.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tflite_micro.python.tflite_micro import runtime

from boardproof_export.shared.project import Project
from boardproof_host.boards.processes import emulated_board
from boardproof_host.link.session import Session
from boardproof_host.ports.serial_port import SerialTransport
from boardproof_host.protocol.messages import TickUnit
from e2e.conftest import Checkout
from e2e.test_emulated import path_without
from model_builder import DenseLayer, dense_model, random_model

pytestmark = pytest.mark.e2e
TARGET = "simavr_mega2560"
RAM_BYTES = 8192
STACK_RESERVE = 1024  # RAM that must stay untouched with the whole session running


@pytest.fixture(scope="module")
def built(checkout: Checkout) -> Path:
    """The build folder of the reference model's firmware."""
    done = checkout.boardproof("build", "--target", TARGET)
    assert done.code == 0, done.err
    return build_folder(done.out)


def build_folder(said: str) -> Path:
    """Where `boardproof build` says that it has built."""
    return Path(shlex.split(said.strip().rpartition(", in ")[2])[0])


def test_exact_and_within_its_ram(checkout: Checkout, built: Path, tmp_path: Path) -> None:
    done = checkout.boardproof(
        "run", "--target", TARGET, "--limit", "30", "--seed", "2", "--out", str(tmp_path)
    )
    assert done.code == 0, done.err
    report = checkout.report(tmp_path)
    assert (report["measured"]["verdict"], report["outcome"], report["measured"]["images"]) == (
        "exact",
        "proven",
        30,
    )
    assert (report["target"]["engine"], report["target"]["kernels"]) == ("aot", "avr")
    assert report["target"]["emulated"] is True
    assert report["target"]["clock_hz"] is None
    assert report["measured"]["cost"]["microseconds"] is None
    profile = report["measured"]["profile"]
    assert profile["unit"] == "cycles"
    # Interrupts count here: a tick may hit either inference, but not the sending of what was profiled (3,700 cycles).
    assert abs(profile["hooked"] - profile["inference"]) < 1500 and abs(profile["rest"]) < 1000
    # 101,632 multiply-accumulates; inputs that are background cost a third.
    assert 300_000 < report["measured"]["cost"]["cycles_per_inference"]["median"] < 1_500_000
    # A machine that stalls the simulator lets requests time out; what is sent again may find the 1 KB buffer full. Each
    # frame that is lost so is one that was sent again: without that, none may be.
    assert report["measured"]["link"]["crc_errors"] <= report["measured"]["link"]["retransmits"]
    assert report["measured"]["cost"]["flash_bytes"] < 253_952

    static = json.loads((built / "build.json").read_text(encoding="utf-8"))["ram_bytes"]
    record = json.loads((built / "simavr.json").read_text(encoding="utf-8"))
    assert record["ram_bytes"] == RAM_BYTES
    stack = RAM_BYTES - record["ram_never_used"] - static
    assert stack > 100, "the stack was not measured"
    assert record["ram_never_used"] > STACK_RESERVE, (static, stack)


def test_weights_lie_beyond_64_kb(built: Path) -> None:
    names = subprocess.run(
        ["avr-nm", str(built / "program.elf")], capture_output=True, text=True, check=True
    ).stdout
    addresses = [int(line.split()[0], 16) for line in names.splitlines() if "_weights_" in line]
    assert min(addresses) < 0x10000 < max(addresses)


def test_a_model_with_every_sign(checkout: Checkout, tmp_path: Path) -> None:
    """The assembly kernel's other paths: inputs below the zero point, outputs that fill no block, weights over 64 KB
    on either side of a skipped input. The reference model has none of the first two."""
    rng = np.random.default_rng(21)
    layers = [
        DenseLayer(
            weights=rng.integers(-128, 128, (outputs, depth)).astype(np.int8),
            weight_scales=np.array([scale], dtype=np.float32),
            bias=rng.integers(-5000, 5000, outputs).astype(np.int32),
            output_scale=0.5,
            output_zero_point=zero_point,
            weights_zero_point=weights_zero_point,
        )
        for depth, outputs, scale, zero_point, weights_zero_point in (
            (600, 130, 0.003, 5, -3),
            (130, 7, 0.01, -20, 0),
        )
    ]
    model = tmp_path / "signs.tflite"
    model.write_bytes(dense_model(layers, input_scale=0.03, input_zero_point=-7))
    done = checkout.boardproof("build", "--target", TARGET, "--model", str(model))
    assert done.code == 0, done.err

    inputs = rng.integers(-128, 128, (12, 600)).astype(np.int8)
    inputs[:, rng.random(600) < 0.3] = -7
    inputs[0], inputs[1] = -128, 127
    oracle = runtime.Interpreter.from_file(str(model), arena_size=60_000)
    expected = []
    for row in inputs:
        oracle.set_input(row.reshape(1, 600), 0)
        oracle.invoke()
        expected.append(oracle.get_output(0).tobytes())
    assert len(set(expected)) == len(expected)
    with emulated_board(Project(checkout.root), build_folder(done.out)) as port:
        transport = SerialTransport(port)
        session = Session(transport)
        identity = session.hello()
        assert identity.tick_unit is TickUnit.CYCLES
        answers = {answer.index: answer.output for answer in session.stream(enumerate(map(bytes, inputs)))}
        session.check_digest()
        transport.close()
    assert [answers[index] for index in range(len(inputs))] == expected


def test_the_core_librarys_64_byte_buffer(checkout: Checkout, built: Path, tmp_path: Path) -> None:
    """Credits follow the real buffer: with the 64 bytes that every Arduino sketch has, nothing is lost.

    Not at 500,000 baud either, where a byte comes every 22 microseconds.
    """
    project = tmp_path / "stock.ini"
    project.write_text(
        f"[platformio]\nextra_configs = {checkout.root}/platformio.ini\n"
        f"[env:stock]\nextends = env:{TARGET}\nbuild_flags =\n  ${{env.build_flags}}\n  -Wl,--sort-section=name\n",
        encoding="utf-8",
    )
    pio = [sys.executable, "-m", "platformio", "run", "-d", str(checkout.root)]
    # A build folder of its own: PlatformIO empties one that was another configuration's.
    environment = checkout.environment(
        PLATFORMIO_BUILD_DIR=str(tmp_path / "build"),
        PLATFORMIO_DISABLE_UPGRADE_CHECK="true",
        PLATFORMIO_SETTING_ENABLE_TELEMETRY="no",
    )
    command = [*pio, "-c", str(project), "-e", "stock"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    with emulated_board(Project(checkout.root), tmp_path / "build" / "stock") as port:
        run = checkout.boardproof(
            "run", "--port", port, "--limit", "20", "--baud", "500000", "--out", str(tmp_path / "out")
        )
    assert run.code == 0, run.err
    report = checkout.report(tmp_path / "out")
    assert report["measured"]["verdict"] == "exact"
    # A machine that stalls the simulator lets requests time out; what is sent again may find the 1 KB buffer full. Each
    # frame that is lost so is one that was sent again: without that, none may be.
    assert report["measured"]["link"]["crc_errors"] <= report["measured"]["link"]["retransmits"]
    assert report["measured"]["link"]["baud"] is None, "a simulated line has no rate in real time"


def test_a_rate_that_the_board_cannot_make(checkout: Checkout, built: Path) -> None:
    """16 MHz makes 500,000 baud and neither 921,600 nor 460,800: then the board stays where it is.

    (On a pseudo-terminal the host hears it all the same; on a line it would hear nothing and come back.)
    """
    with emulated_board(Project(checkout.root), built) as port:
        transport = SerialTransport(port)
        session = Session(transport)
        session.hello()
        for asked, made in ((921_600, 115_200), (460_800, 115_200), (500_000, 500_000)):
            session.raise_baud((asked,))
            assert session.hello().baud == made
        transport.close()


def test_a_flash_that_fails_keeps_platformios_words(checkout: Checkout, tmp_path: Path) -> None:
    """What `boardproof flash` adds is the exit code; here the upload is an emulator that dies at once."""
    emulator = tmp_path / "qemu-system-arm"
    emulator.write_text("#!/bin/sh\necho no such machine >&2\nexit 1\n")
    emulator.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = checkout.boardproof("flash", "--env", "qemu_cortex_m4", PATH=path)
    assert done.code == 3, done.err
    assert "no such machine" in done.err
    assert "built and not flashed" in done.err


def test_an_emulator_that_is_not_installed(checkout: Checkout, tmp_path: Path) -> None:
    path = path_without(tmp_path, "qemu-system-arm")
    done = checkout.boardproof("flash", "--env", "qemu_cortex_m4", PATH=path)
    assert done.code == 4, done.err
    assert "qemu-system-arm is not installed" in done.err


def test_flash_starts_a_simulated_board(checkout: Checkout, built: Path) -> None:
    try:
        done = checkout.boardproof("flash", "--target", TARGET)
        assert done.code == 0, done.err
        state = json.loads(
            (checkout.root / ".pio" / "emulators" / f"{TARGET}.json").read_text(encoding="utf-8")
        )
        transport = SerialTransport(state["port"])
        assert Session(transport).hello().target == TARGET
        transport.close()
    finally:
        stop = [
            sys.executable,
            str(checkout.root / "firmware/platform/emulator.py"),
            "stop",
            "--state",
            str(checkout.root / ".pio" / "emulators"),
        ]
        assert subprocess.run(stop, check=True, capture_output=True, text=True).stdout == "stopped\n"


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (9000, "it needs 9,008 bytes of RAM for its tensors, the board has 8,192: at least 816 bytes"),
        (
            7000,
            r"[\d,]+ bytes of RAM are missing",
        ),  # the rest of the firmware needs some, as the linker finds
    ],
)
def test_a_model_that_does_not_fit_is_told_how_much_is_missing(
    inputs: int, words: str, checkout: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "wide.tflite").write_bytes(random_model(3, depths=(inputs, 4)))
    done = checkout.boardproof("run", "--target", TARGET, "--model", str(tmp_path / "wide.tflite"))
    assert done.code == 2
    assert re.search(f"wide.* does not fit {TARGET}: {words}", done.err), done.err
