"""The road from a built firmware to a verdict, on an emulated board, through the command line."""

import hashlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import TARGET, Checkout
from support.host_c import ROOT

pytestmark = pytest.mark.e2e
Check = Callable[[], None]


def test_verdict_on_real_images(checkout: Checkout, tmp_path: Path, no_emulator_left: Check) -> None:
    done = checkout.boardproof(
        "run", "--target", TARGET, "--limit", "300", "--seed", "5", "--out", str(tmp_path)
    )
    assert done.code == 0, done.err
    report = checkout.report(tmp_path)
    assert report["schema"] == "boardproof.report/2"
    assert report["measured"]["verdict"] == "exact"
    assert report["outcome"] == "proven"
    assert report["measured"]["images"] == 300
    assert report["target"]["emulated"] is True
    assert set(report["measured"]["parity"]) == {"tflm", "litert", "litert-ref", "litert-nodelegate"}
    assert report["measured"]["parity"]["tflm"]["mismatched_values"] == 0
    assert report["measured"]["accuracy"]["device"] > 0.8
    assert report["measured"]["cost"]["microseconds"] is None
    assert report["measured"]["cost"]["instructions_per_inference"]["median"] > 10_000
    assert report["measured"]["cost"]["flash_bytes"] > report["measured"]["cost"]["model_bytes"]
    assert "exact" in (tmp_path / "report.md").read_text(encoding="utf-8")
    profile, cost = report["measured"]["profile"], report["measured"]["cost"]["instructions_per_inference"]
    assert profile["unit"] == "instructions" and cost["min"] <= profile["inference"] <= cost["max"]
    assert sum(op["count"] for op in profile["ops"]) + profile["rest"] == profile["inference"]
    assert [op["kernel"] for op in report["model"]["ops"]] == [None, *["aot_fully_connected_dsp"] * 2]
    assert report["measured"]["memory"]["bytes"] == report["measured"]["cost"]["arena_bytes"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("<svg") == 5


def test_a_target_with_a_model_of_its_own(checkout: Checkout, tmp_path: Path) -> None:
    """It is rendered while none is exported, and the report is about it without naming it."""
    fresh = Checkout(tmp_path / "checkout")
    hidden = shutil.ignore_patterns("generated", ".pio", ".boardproof")
    shutil.copytree(checkout.root, fresh.root, ignore=hidden)
    ini, board = fresh.root / "platformio.ini", "board = mps2_an386\n"
    model = "fashion_mnist_int8_per_tensor.tflite"
    own = ini.read_text(encoding="utf-8").replace(board, f"{board}custom_model = models/{model}\n")
    ini.write_text(own, encoding="utf-8")
    done = fresh.boardproof("run", "--target", TARGET, "--limit", "50", "--out", str(tmp_path))
    assert done.code == 0, done.err
    report = checkout.report(tmp_path)
    measured = report["measured"]
    assert (measured["verdict"], measured["images"], report["model"]["name"]) == ("exact", 50, model)


def test_instruction_counts_are_exact(checkout: Checkout, tmp_path: Path) -> None:
    """Two runs, one packed and one plain, so with other timing on the UART: the same counts."""
    costs = []
    for name, plain in (("packed", ()), ("plain", ("--plain",))):
        folder = tmp_path / name
        done = checkout.boardproof("run", "--target", TARGET, "--limit", "60", "--out", str(folder), *plain)
        assert done.code == 0, done.err
        costs.append(checkout.report(folder)["measured"]["cost"]["instructions_per_inference"])
    assert costs[0] == costs[1]


def test_shared_over_two_boards(checkout: Checkout, tmp_path: Path, no_emulator_left: Check) -> None:
    done = checkout.boardproof(
        "run", "--target", TARGET, "--boards", "2", "--limit", "300", "--out", str(tmp_path)
    )
    assert done.code == 0, done.err
    assert checkout.report(tmp_path)["measured"]["verdict"] == "exact"


def test_a_board_that_dies_has_its_share_finished(
    checkout: Checkout, tmp_path: Path, no_emulator_left: Check
) -> None:
    process = checkout.start(
        "run", "--target", TARGET, "--boards", "2", "--limit", "2500", "--out", str(tmp_path)
    )
    wait_for_stream(checkout, tmp_path, process)
    os.kill(checkout.emulators()[0], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "the emulator of qemu_cortex_m4" in err
    report = checkout.report(tmp_path)
    assert (report["measured"]["images"], report["measured"]["verdict"], report["outcome"]) == (
        2500,
        "exact",
        "proven",
    )


def wait_for_stream(checkout: Checkout, out: Path, process: "subprocess.Popen[str]") -> None:
    """Returns once the first answers are in the journal."""
    journal = out / "journal.bin"
    deadline = time.monotonic() + 60
    while not (journal.is_file() and journal.stat().st_size > 2000):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_ctrl_c_keeps_what_was_measured(checkout: Checkout, tmp_path: Path, no_emulator_left: Check) -> None:
    process = checkout.start("run", "--target", TARGET, "--out", str(tmp_path))
    wait_for_stream(checkout, tmp_path, process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    no_emulator_left()
    report = checkout.report(tmp_path)
    assert (report["outcome"], report["exit_code"]) == ("interrupted", 130)
    assert report["reason"] == "interrupted"
    assert 0 < report["measured"]["images"] < 10_000
    assert report["measured"]["verdict"] == "exact"


def test_a_board_that_stops_answering(checkout: Checkout, tmp_path: Path, no_emulator_left: Check) -> None:
    process = checkout.start("run", "--target", TARGET, "--out", str(tmp_path))
    wait_for_stream(checkout, tmp_path, process)
    for pid in checkout.emulators():
        os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    (resume,) = (line for line in err.splitlines() if "--resume" in line)
    assert resume.endswith(f"boardproof run --target {TARGET} --out {tmp_path} --resume")
    assert resume.count("boardproof run") == 1  # a command that works, and no other
    report = checkout.report(tmp_path)
    assert report["outcome"] == "incomplete"
    assert "killed by SIGKILL" in report["reason"] or "ended with code" in report["reason"]
    assert "cable" not in err
    assert 0 < report["measured"]["images"] < 10_000


KILLS = int(os.environ.get("BOARDPROOF_KILLS", "2"))  # `BOARDPROOF_KILLS=20` for the full measure
VOLATILE = ("created", "timing", "host", "command")


@pytest.mark.parametrize("moment", range(KILLS))
def test_resume_after_a_kill(
    checkout: Checkout, tmp_path: Path, no_emulator_left: Check, moment: int, undisturbed: dict[str, object]
) -> None:
    """The host is killed at some moment of the run; --resume ends with the report of an undisturbed run."""
    arguments = ("run", "--target", TARGET, "--limit", "1500", "--out", str(tmp_path))
    process = checkout.start(*arguments)
    time.sleep(0.6 + 4.0 * ((moment * 0.618) % 1.0))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    no_emulator_left()
    done = checkout.boardproof(*arguments, "--resume")
    assert done.code == 0, done.err
    measured = checkout.report(tmp_path)["measured"]
    if measured["resumed"]:  # the link's figures are of both legs
        assert measured["legs"] == 2
        assert measured["link"]["bytes_up"] > 20 * 1500
    assert steady(checkout.report(tmp_path)) == undisturbed


def steady(report: dict[str, object]) -> dict[str, object]:
    """A report without what differs from run to run: times, and what the link did."""
    measured: Any = report["measured"]
    for oracle in measured["parity"].values():
        oracle.pop("seconds")
        oracle.pop("cached")
    for name in ("link", "legs", "resumed"):
        measured.pop(name)
    return {name: value for name, value in report.items() if name not in VOLATILE}


@pytest.fixture(scope="module")
def undisturbed(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = checkout.boardproof("run", "--target", TARGET, "--limit", "1500", "--out", str(folder))
    assert done.code == 0, done.err
    return steady(checkout.report(folder))


def test_resume_refuses_another_model(checkout: Checkout, tmp_path: Path) -> None:
    process = checkout.start("run", "--target", TARGET, "--out", str(tmp_path))
    wait_for_stream(checkout, tmp_path, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = checkout.boardproof(
        "run", "--target", TARGET, "--images", "5:", "--resume", "--out", str(tmp_path)
    )
    assert done.code == 2
    assert "data" in done.err


def test_any_model_is_rendered_built_and_run(checkout: Checkout, tmp_path: Path) -> None:
    """Several live side by side: the one that was built before is still there."""
    other = tmp_path / "other.tflite"
    content = bytearray((ROOT / "models" / "fashion_mnist_int8.tflite").read_bytes())
    content[len(content) // 2] ^= 1  # another weight
    other.write_bytes(content)
    command = ("run", "--target", TARGET, "--limit", "30", "--out", str(tmp_path))
    done = checkout.boardproof(*command, "--model", str(other))
    assert done.code == 0, done.err
    report = checkout.report(tmp_path)
    assert report["model"]["name"] == "other.tflite"
    assert report["model"]["sha256"] == hashlib.sha256(content).hexdigest()
    builds = len(list((checkout.root / ".boardproof" / "build").glob(f"*/{TARGET}/program.elf")))
    assert builds >= 2
    done = checkout.boardproof(*command)
    assert done.code == 0, done.err
    assert checkout.report(tmp_path)["model"]["name"] == "fashion_mnist_int8.tflite"


def test_targets_that_do_not_exist(checkout: Checkout) -> None:
    done = checkout.boardproof("run", "--target", "qemu_cortex_m44")
    assert done.code == 2
    assert TARGET in done.err


def test_a_report_folder_that_cannot_be_written(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = checkout.boardproof("run", "--target", TARGET, "--out", str(tmp_path / "file"))
    assert done.code == 2
    assert "--out" in done.err


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_limits_that_leave_nothing(checkout: Checkout, limit: str) -> None:
    assert checkout.boardproof("run", "--target", TARGET, "--limit", limit).code == 2


def path_without(tmp_path: Path, *missing: str) -> str:
    """A PATH with links to every program of the present one but those."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for entry in reversed(os.environ["PATH"].split(":")):
        for program in Path(entry).glob("*") if Path(entry).is_dir() else []:
            link = folder / program.name
            link.unlink(missing_ok=True)
            link.symlink_to(program)
    for name in missing:
        (folder / name).unlink(missing_ok=True)
    return str(folder)


def test_qemu_is_missing(checkout: Checkout, tmp_path: Path) -> None:
    path = path_without(tmp_path, "qemu-system-arm")
    done = checkout.boardproof("run", "--target", TARGET, "--out", str(tmp_path / "out"), PATH=path)
    assert done.code == 4, done.err
    assert "qemu-system-arm" in done.err


def test_a_port_that_is_not_there(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.boardproof("run", "--port", "/dev/ttyNONE7", "--out", str(tmp_path))
    assert done.code == 3
    assert "/dev/ttyNONE7" in done.err


def test_a_port_that_is_silent(checkout: Checkout, tmp_path: Path) -> None:
    _, slave = pty.openpty()
    done = checkout.boardproof("run", "--port", os.ttyname(slave), "--out", str(tmp_path))
    assert done.code == 3
    assert "no answer" in done.err


def test_upload_starts_a_board_to_talk_to(checkout: Checkout, tmp_path: Path) -> None:
    """`pio run -t upload` prints the port; `boardproof run --port` talks to it; stopping leaves nothing behind."""
    pio = [sys.executable, "-m", "platformio", "run", "-d", str(checkout.root), "-e", TARGET]
    environment = checkout.environment(
        PLATFORMIO_DISABLE_UPGRADE_CHECK="true", PLATFORMIO_SETTING_ENABLE_TELEMETRY="no"
    )
    done = subprocess.run(
        [*pio, "-t", "upload"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        port = next(word for word in done.stdout.split() if word.startswith(("/dev/", "socket://")))
        ran = checkout.boardproof("run", "--port", port.rstrip(",."), "--limit", "50", "--out", str(tmp_path))
        assert ran.code == 0, ran.err
        report = checkout.report(tmp_path)
        assert report["measured"]["verdict"] == "exact"
        # The board says which build it runs, and that lies here.
        assert report["measured"]["cost"]["flash_bytes"] > report["measured"]["cost"]["model_bytes"]
    finally:
        subprocess.run([*pio, "-t", "emulator-stop"], check=True, env=environment, capture_output=True)
    assert not checkout.emulators()


def test_a_gate_that_is_missed(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.boardproof(
        "run", "--target", TARGET, "--limit", "50", "--min-accuracy", "0.999", "--out", str(tmp_path)
    )
    assert done.code == 1
    assert "next: look at the confusion matrix" in done.err
    assert checkout.report(tmp_path)["outcome"] == "missed"


def test_the_python_that_runs_the_tests_has_all_oracles() -> None:
    """A missing oracle must be red here and not a skipped test."""
    import ai_edge_litert.interpreter  # noqa: F401
    from tflite_micro.python.tflite_micro import runtime  # noqa: F401

    assert shutil.which("qemu-system-arm")
    assert shutil.which("arm-none-eabi-gcc")
