"""The receive ring (firmware/src/hal/ring.h), compiled for the host with sanitizers."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.host_c import ROOT, LineTool, compile_host

SOURCE = ROOT / "tests" / "support" / "ring_tool.c"
CAPACITY = 16

Step = tuple[str, bytes | int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.binary(min_size=1, max_size=20)),
        st.tuples(st.just("take"), st.integers(0, 24)),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LineTool]:
    tool = LineTool(compile_host(tmp_path_factory.mktemp("ring") / "ring_tool", [SOURCE], ["-pthread"]))
    yield tool
    tool.close()


# The indices run freely: the interesting place is where they wrap.
@given(steps=STEPS, start=st.one_of(st.integers(2**32 - 40, 2**32 - 1), st.integers(0, 2**32 - 1)))
def test_it_is_a_bounded_queue(ring: LineTool, steps: list[Step], start: int) -> None:
    assert ring.ask(f"start {start}") == "ok"
    model = b""
    for action, value in steps:
        if isinstance(value, bytes):
            accepted = value[: CAPACITY - len(model)]
            model += accepted
            assert ring.ask(f"{action} {value.hex()}") == str(len(accepted))
        else:
            assert ring.ask(f"{action} {value}") == model[:value].hex()
            model = model[value:]
        assert ring.ask("count") == str(len(model))


def test_all_of_the_storage_can_be_filled(ring: LineTool) -> None:
    ring.ask("start 5")
    assert ring.ask(f"put {bytes(range(17)).hex()}") == "16"
    assert ring.ask("take 99") == bytes(range(16)).hex()


def test_a_producer_and_a_consumer_need_no_lock(tmp_path: Path) -> None:
    program = tmp_path / "ring_threads"
    compile_host(program, [SOURCE], ["-pthread", "-g", "-fsanitize=thread"], sanitize=False)
    command = [str(program), "threads", "300000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "unexpected memory mapping" in done.stderr:
        # Older sanitizers cannot live with the address randomization of newer kernels.
        command = ["setarch", "--addr-no-randomize", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 left\n", "")
