"""The oracles, with the real interpreters: that each is what it says, and that the worker leaves nothing behind."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_host.oracles import oracle
from boardproof_host.oracles.oracle import LITERT, LITERT_REF, TFLM, Oracle, OracleRun, OracleSet
from model_builder import FLOAT32, ModelBuilder, random_model, tiny_model

# -- what the worker can be told to load in place of an interpreter ------------------------------------------


def load_sum(model: bytes) -> Callable[[NDArray[np.int8]], NDArray[np.int8]]:
    """A stand-in: the sum of the input's first two values, twice."""
    assert model[4:8] == b"TFL3"
    return lambda image: np.full(2, image[0] + image[1], dtype=np.int8)


def load_crash(model: bytes) -> Any:
    """An interpreter that crashes."""
    print("about to crash", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def load_noise(model: bytes) -> Any:
    """An interpreter that prints to the standard output of its process."""
    os.write(1, b"noise\n")
    return load_sum(model)


def load_slow(model: bytes) -> Any:
    """An interpreter that takes 2 ms an image."""

    def run(image: NDArray[np.int8]) -> NDArray[np.int8]:
        time.sleep(0.002)
        return np.zeros(2, dtype=np.int8)

    return run


def stand_in(name: str) -> Oracle:
    return Oracle(name, "numpy", f"test_oracle:load_{name}", "none")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    return path


def random_inputs(images: int, width: int, seed: int = 1) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, (images, width), dtype=np.int8)


# -- the cache ----------------------------------------------------------------------------------------------


def run_once(model: Path, inputs: NDArray[np.int8], cache: Path) -> dict[str, oracle.OracleOutputs]:
    with oracle.start(model, inputs, cache, OracleSet((TFLM, LITERT), stand_in=False)) as run:
        return run.result()


def test_outputs_come_from_the_cache_the_second_time(tiny: Path, tmp_path: Path) -> None:
    inputs = random_inputs(30, 3)
    first = run_once(tiny, inputs, tmp_path / "cache")
    with oracle.start(tiny, inputs, tmp_path / "cache", OracleSet((TFLM, LITERT), stand_in=False)) as run:
        assert run.poll() == {"tflm": 30, "litert": 30}
        second = run.result()
    for name, got in second.items():
        assert got.cached and got.seconds == 0
        assert np.array_equal(got.outputs, first[name].outputs)


@pytest.mark.parametrize("change", ["model", "inputs", "order", "selection"])
def test_another_content_is_computed_anew(change: str, tiny: Path, tmp_path: Path) -> None:
    inputs, cache = random_inputs(30, 3), tmp_path / "cache"
    run_once(tiny, inputs, cache)
    if change == "model":
        tiny.write_bytes(random_model(3, depths=(3, 2)))
    elif change == "inputs":
        inputs[29, 2] ^= 1
    elif change == "order":
        inputs = inputs[::-1]
    else:
        inputs = inputs[:20]
    assert not any(got.cached for got in run_once(tiny, inputs, cache).values())


def test_another_version_is_computed_anew(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = random_inputs(5, 3)
    run_once(tiny, inputs, tmp_path / "cache")
    real = importlib.metadata.version

    def newer(name: str) -> str:
        return "99.0" if name == "tflite-micro" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", newer)
    result = run_once(tiny, inputs, tmp_path / "cache")
    assert not result["tflm"].cached and result["tflm"].version == "99.0"
    assert result["litert"].cached


@pytest.mark.parametrize("damage", ["bit", "short", "empty", "text"])
def test_a_damaged_cache_file_is_computed_anew(damage: str, tiny: Path, tmp_path: Path) -> None:
    inputs, cache = random_inputs(30, 3), tmp_path / "cache"
    expected = run_once(tiny, inputs, cache)["tflm"].outputs
    (path,) = cache.glob("tflm-*.npy")
    whole = path.read_bytes()
    flipped = whole[:150] + bytes([whole[150] ^ 1]) + whole[151:]
    path.write_bytes({"bit": flipped, "short": whole[:-1], "empty": b"", "text": b"no array" * 9}[damage])
    result = run_once(tiny, inputs, cache)
    assert not result["tflm"].cached and result["litert"].cached
    assert np.array_equal(result["tflm"].outputs, expected)
    assert path.read_bytes() == whole
    assert sorted(file.suffix for file in cache.iterdir()) == [".npy", ".npy"]


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = run_once(tiny, random_inputs(5, 3), tmp_path / "file")
    assert len(result) == 2
    assert "not cached" in caplog.text


# -- what is refused ----------------------------------------------------------------------------------------


def float_model() -> bytes:
    builder = ModelBuilder()
    source = builder.tensor((1, 3), dtype=FLOAT32)
    sink = builder.tensor((1, 3), dtype=FLOAT32)
    builder.reshape(source, sink)
    return builder.build([source], [sink])


def two_inputs_model() -> bytes:
    builder = ModelBuilder()
    sources = [builder.tensor((1, 3), 0.5), builder.tensor((1, 3), 0.5)]
    sink = builder.tensor((1, 3), 0.5)
    builder.reshape(sources[0], sink)
    return builder.build(sources, [sink])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (float_model(), "input of .* is not int8"),
        (two_inputs_model(), "has 2 inputs"),
        (tiny_model()[:40], "cut short or damaged"),
        (b"", "not a .tflite file"),
        (b"\x89PNG" * 100, "not a .tflite file"),
    ],
)
def test_a_model_that_is_not_int8_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        oracle.start(path, random_inputs(1, 3), tmp_path / "cache")
    assert caught.value.hint


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.tflite"):
        with pytest.raises(InputError, match="cannot read"):
            oracle.start(path, random_inputs(1, 3), tmp_path / "cache")


def test_inputs_of_another_width_or_type_are_refused(tiny: Path, tmp_path: Path) -> None:
    for inputs in (random_inputs(2, 4), random_inputs(2, 3).astype(np.uint8)):
        with pytest.raises(InputError, match=r"takes int8 \(N, 3\)"):
            oracle.start(tiny, inputs, tmp_path / "cache")


def test_a_package_that_is_not_installed_is_an_error(tiny: Path, tmp_path: Path) -> None:
    missing = OracleSet((TFLM, replace(LITERT, distribution="no-such-package")), stand_in=False)
    with pytest.raises(ToolMissingError, match="no-such-package"):
        oracle.start(tiny, random_inputs(2, 3), tmp_path / "cache", missing)


def test_a_package_that_cannot_be_imported_is_an_error(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken" / "tflite_micro"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libstdc++ is too old')\n")
    monkeypatch.syspath_prepend(broken.parent)
    with (
        pytest.raises(ToolMissingError, match=r"'tflm' cannot be loaded: libstdc\+\+ is too old"),
        oracle.start(tiny, random_inputs(2, 3), tmp_path / "cache") as run,
    ):
        run.result()


def test_a_model_that_an_oracle_cannot_run_is_an_error(tmp_path: Path) -> None:
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 3), 0.5), builder.tensor((1, 3), 0.5)
    builder.op(32, [source], [sink], custom="NoSuchOp")  # 32: CUSTOM
    path = tmp_path / "custom.tflite"
    path.write_bytes(builder.build([source], [sink]))
    with (
        pytest.raises(InputError, match="'tflm' cannot run the model"),
        oracle.start(path, random_inputs(2, 3), tmp_path / "cache") as run,
    ):
        run.result()


def test_a_crash_is_named(tiny: Path, tmp_path: Path) -> None:
    crashing = OracleSet((stand_in("crash"),), stand_in=True)
    with (
        pytest.raises(InputError, match=r"'crash' died \(SIGSEGV\): about to crash"),
        oracle.start(tiny, random_inputs(2, 3), tmp_path / "cache", crashing) as run,
    ):
        run.result()


# -- the reference on other hosts -----------------------------------------------------------------------------


def test_where_tflite_micro_has_no_package_something_must_stand_in() -> None:
    assert oracle.default_oracles(tflm_wheel=True).reference is TFLM
    with pytest.raises(ToolMissingError, match="tflite-micro has no package"):
        oracle.default_oracles(tflm_wheel=False)
    chosen = oracle.default_oracles(stand_in("sum"), tflm_wheel=False)
    assert chosen.reference.name == "sum" and chosen.stand_in
    assert [o.name for o in chosen.oracles[1:]] == ["litert", "litert-ref", "litert-nodelegate"]


def test_hosts_with_a_package() -> None:
    assert oracle.has_tflm_wheel("Linux", "x86_64")
    assert not oracle.has_tflm_wheel("Linux", "aarch64")
    assert not oracle.has_tflm_wheel("Darwin", "x86_64")


@pytest.mark.parametrize("name", ["sum", "noise"])
def test_any_function_can_stand_in(name: str, tiny: Path, tmp_path: Path) -> None:
    inputs = random_inputs(7, 3) // np.int8(2)
    chosen = OracleSet((stand_in(name), LITERT_REF), stand_in=True)
    with oracle.start(tiny, inputs, tmp_path / "cache", chosen) as run:
        result = run.result()
    assert list(result) == [name, "litert-ref"]
    assert np.array_equal(result[name].outputs[:, 0], inputs[:, 0] + inputs[:, 1])


# -- the process ----------------------------------------------------------------------------------------------


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def worker_of(run: OracleRun) -> tuple[int, Path]:
    assert run._process is not None
    return run._process.pid, Path(run._process._folder.name)


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux
def test_the_worker_gives_way_and_ctrl_c_is_not_for_it(tiny: Path, tmp_path: Path) -> None:
    slow = OracleSet((stand_in("slow"),), stand_in=True)
    with oracle.start(tiny, random_inputs(1000, 3), tmp_path / "cache", slow) as run:
        pid, folder = worker_of(run)
        assert wait_until(lambda: run.poll()["slow"] > 0)
        assert 0 < run.poll()["slow"] < 1000
        assert os.getpriority(os.PRIO_PROCESS, pid) >= 15
        assert os.getpgid(pid) != os.getpgid(0)
        os.kill(pid, signal.SIGINT)
        assert run.result()["slow"].outputs.shape == (1000, 2)
        assert run.poll() == {"slow": 1000}
    assert not alive(pid) and not folder.exists()


@linux
def test_stop_leaves_nothing_behind(tiny: Path, tmp_path: Path) -> None:
    slow = OracleSet((stand_in("slow"),), stand_in=True)
    started = time.monotonic()
    with oracle.start(tiny, random_inputs(5000, 3), tmp_path / "cache", slow) as run:
        pid, folder = worker_of(run)
        assert alive(pid) and folder.exists()
    assert time.monotonic() - started < 5
    assert not alive(pid) and not folder.exists()
    run.stop()
    with pytest.raises(ToolMissingError, match="stopped"):
        run.result()


PARENT = """
import sys, time
from pathlib import Path
import numpy as np
from boardproof_host.oracles import oracle
slow = oracle.OracleSet((oracle.Oracle("slow", "numpy", "test_oracle:load_slow", "none"),), True)
run = oracle.start(Path(sys.argv[1]), np.zeros((50000, 3), np.int8), Path(sys.argv[2]), slow)
while not run.poll()["slow"]:
    time.sleep(0.01)
print(run._process.pid, run._process._folder.name, flush=True)
time.sleep(60)
"""


@linux
def test_the_worker_does_not_outlive_its_parent(tiny: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tiny), str(tmp_path / "cache")],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        assert alive(int(pid))
    finally:
        parent.kill()
        parent.communicate()
    assert wait_until(lambda: not alive(int(pid)))
    assert wait_until(lambda: not Path(folder).exists())
