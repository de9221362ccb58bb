"""The oracles, with the real interpreters: that each is what it says, what is refused, and what is noted."""

import importlib.metadata
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_host import oracles
from boardproof_host.boards.virtual.engine import TflmEngine
from boardproof_host.boards.virtual.firmware import build
from boardproof_host.oracles import AOT_HOST, TFLM, OracleSet
from boardproof_host.oracles.edges import Bytes
from boardproof_host.oracles.oracle import LITERT, LITERT_REF, has_tflm_wheel
from boardproof_host.oracles.rounding import DOUBLE, PROMISED
from model_builder import ModelBuilder, random_model, tiny_model
from support.oracle_stand_ins import stand_in
from support.small_models import (
    TYPES,
    random_bytes,
    reshaping_model,
    running_sum_model,
    svdf_model,
    with_constants_outside,
)

FLOAT64 = schema.TensorType.FLOAT64


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [tiny_model()[:40], b"", b"\x89PNG" * 100])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(str(path))) as caught:
        oracles.start(path, random_bytes(1, 3), tmp_path / "cache")
    assert caught.value.hint


def test_constants_behind_the_flatbuffer_are_given_to_every_oracle(tmp_path: Path) -> None:
    """TensorFlow Lite Micro takes such constants for activations, and would call its garbage exact."""
    model = random_model(1, depths=(3, 2))
    outputs = []
    for name, content in (("inside", model), ("outside", with_constants_outside(model))):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(content)
        with oracles.start(path, random_bytes(20, 3), tmp_path / "cache") as run:
            outputs.append({oracle: found.outputs.tolist() for oracle, found in run.result().items()})
    assert outputs[0] == outputs[1] and len(outputs[0]) == 4


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.tflite"):
        with pytest.raises(InputError, match=re.escape(str(path))):
            oracles.start(path, random_bytes(1, 3), tmp_path / "cache")


def test_inputs_of_another_width_or_type_are_refused(tiny: Path, tmp_path: Path) -> None:
    for inputs in (random_bytes(2, 4), random_bytes(2, 3).astype(np.int8)):
        with pytest.raises(InputError, match="takes 3 bytes"):
            oracles.start(tiny, inputs, tmp_path / "cache")


def test_no_inputs_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no input"):
        oracles.start(tiny, random_bytes(0, 3), tmp_path / "cache")


def test_a_package_that_is_not_installed_is_an_error(tiny: Path, tmp_path: Path) -> None:
    missing = OracleSet((TFLM, replace(LITERT, distribution="no-such-package")), stand_in=False)
    with pytest.raises(ToolMissingError, match="no-such-package"):
        oracles.start(tiny, random_bytes(2, 3), tmp_path / "cache", missing)
    with pytest.raises(ToolMissingError, match="no-such-package"):
        oracles.check_installed(missing)


def test_a_reference_that_cannot_be_imported_is_an_error(tiny: Path, tmp_path: Path) -> None:
    broken = OracleSet((stand_in("broken"), stand_in("sum")), stand_in=True)
    with (
        pytest.raises(ToolMissingError, match=r"'broken' cannot be loaded: libstdc\+\+ is too old"),
        oracles.start(tiny, random_bytes(2, 3), tmp_path / "cache", broken) as run,
    ):
        run.result()


def custom_model(tmp_path: Path) -> Path:
    """A model with an operator that no interpreter knows."""
    builder = ModelBuilder()
    source, sink = builder.tensor((1, 3), 0.5), builder.tensor((1, 2), 0.5)
    builder.op(32, [source], [sink], custom="NoSuchOp")  # 32: CUSTOM
    path = tmp_path / "custom.tflite"
    path.write_bytes(builder.build([source], [sink]))
    return path


@pytest.mark.parametrize("early", [True, False])
def test_a_model_that_the_reference_cannot_run_is_refused(early: bool, tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="the reference 'tflm' cannot run the model"),
        oracles.start(custom_model(tmp_path), random_bytes(2, 3), tmp_path / "cache") as run,
    ):
        if early:
            run.check(30)
        else:
            run.result()


def test_a_reference_that_can_run_the_model_passes_the_check(tiny: Path, tmp_path: Path) -> None:
    for _ in range(2):  # the second time from the cache
        with oracles.start(tiny, random_bytes(2, 3), tmp_path / "cache") as run:
            run.check(30)
            assert list(run.result()) == ["tflm", "litert", "litert-ref", "litert-nodelegate"]


def test_another_oracle_that_cannot_run_the_model_is_noted(tmp_path: Path) -> None:
    chosen = OracleSet((stand_in("sum"), LITERT), stand_in=True)
    with oracles.start(custom_model(tmp_path), random_bytes(2, 3), tmp_path / "cache", chosen) as run:
        assert list(run.result()) == ["sum"]
        (none,) = run.failed.values()
    assert none.oracle is LITERT
    assert none.version == importlib.metadata.version("ai-edge-litert")
    assert none.reason.startswith("cannot run: ") and "NoSuchOp" in none.reason


def test_whatever_stops_one_oracle_the_others_go_on(tiny: Path, tmp_path: Path) -> None:
    """One cannot be loaded, one takes the worker's process down, one keeps state; what comes after them runs."""
    names = ("sum", "broken", "crash", "noise", "counting", "crash", "slow")
    chosen = OracleSet(tuple(stand_in(name) for name in dict.fromkeys(names)), stand_in=True)
    with oracles.start(tiny, random_bytes(5, 3), tmp_path / "cache", chosen) as run:
        assert list(run.result()) == ["sum", "noise", "slow"]
        reasons = {name: none.reason for name, none in run.failed.items()}
    assert list(reasons) == ["broken", "crash", "counting"]
    assert "libstdc++ is too old" in reasons["broken"]
    assert "died (SIGSEGV): about to crash" in reasons["crash"]
    assert "keeps state" in reasons["counting"]


def test_no_words_of_python_s_are_taken_for_those_of_a_worker_that_died(tiny: Path, tmp_path: Path) -> None:
    chosen = OracleSet((stand_in("sum"), stand_in("mute")), stand_in=True)
    with oracles.start(tiny, random_bytes(5, 3), tmp_path / "cache", chosen) as run:
        run.result()
        (none,) = run.failed.values()
    assert none.reason == "cannot run: its process died (SIGSEGV)"


def test_a_reference_that_crashes_is_named(tiny: Path, tmp_path: Path) -> None:
    crashing = OracleSet((stand_in("crash"),), stand_in=True)
    with (
        pytest.raises(InputError, match=r"'crash' .* died \(SIGSEGV\): about to crash"),
        oracles.start(tiny, random_bytes(2, 3), tmp_path / "cache", crashing) as run,
    ):
        run.result()


# -- types, several edges, state ------------------------------------------------------------------------------


def values_of(kind: str, shape: tuple[int, int]) -> Bytes:
    """Inputs of one type over its whole range, as bytes (N, ...)."""
    rng = np.random.default_rng(4)
    if kind == "float32":
        return rng.normal(0, 1e3, shape).astype("<f4").view(np.uint8)
    if kind == "bool":
        return rng.integers(0, 2, shape).astype(np.uint8)
    info = np.iinfo(kind)
    return rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True).view(np.uint8)


@pytest.mark.parametrize(
    "types", [*([kind] for kind in TYPES), ["int8", "float32"], ["bool", "int16", "int32"]]
)
def test_every_type_and_several_edges(types: list[str], tmp_path: Path) -> None:
    """A model that reshapes each of its inputs: the outputs are the inputs' bytes, in order."""
    path = tmp_path / "model.tflite"
    path.write_bytes(reshaping_model(*types))
    inputs = np.concatenate([values_of(kind, (9, 6)) for kind in types], axis=1)
    with oracles.start(path, inputs, tmp_path / "cache") as run:
        result = run.result()
        assert not run.failed
    for got in result.values():
        assert got.outputs.dtype == np.uint8
        assert np.array_equal(got.outputs, inputs)


def test_an_edge_of_a_type_that_no_board_takes_is_refused(tmp_path: Path) -> None:
    builder = ModelBuilder()
    source, sink = (builder.tensor(shape, dtype=FLOAT64) for shape in ((1, 4), (2, 2)))
    builder.reshape(source, sink)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build([source], [sink]))
    with pytest.raises(InputError, match="FLOAT64"):
        oracles.start(path, random_bytes(1, 32), tmp_path / "cache")


def test_a_network_with_state_begins_anew_with_every_input(tmp_path: Path) -> None:
    """A sum over all inputs: a board that has run another one before gives the same. LiteRT cannot go back: noted."""
    path = tmp_path / "sum.tflite"
    path.write_bytes(running_sum_model())
    inputs = values_of("float32", (20, 4))
    with oracles.start(path, inputs, tmp_path / "cache", OracleSet((TFLM, LITERT), False)) as run:
        result = run.result()
        assert "keeps state between inputs" in run.failed["litert"].reason
    assert np.array_equal(result["tflm"].outputs, inputs)


def test_a_filter_over_time_begins_anew_with_every_input(tmp_path: Path) -> None:
    """Its variable tensor is put back by every interpreter, and by the virtual board: `exact`, in whatever order."""
    path = tmp_path / "svdf.tflite"
    path.write_bytes(svdf_model())
    inputs = random_bytes(30, 4)
    with oracles.start(path, inputs, tmp_path / "cache") as run:
        result = run.result()
        assert not run.failed
    engine = build(path.read_bytes()).engine
    assert isinstance(engine, TflmEngine)
    order = np.random.default_rng(1).permutation(30)
    answers = {int(index): engine.invoke(inputs[index].tobytes()) for index in order}
    assert all(answers[index] == row.tobytes() for index, row in enumerate(result["tflm"].outputs))
    assert len(set(answers.values())) > 5


def test_a_reference_that_keeps_state_is_refused(tiny: Path, tmp_path: Path) -> None:
    chosen = OracleSet((stand_in("counting"),), stand_in=True)
    with (
        pytest.raises(InputError, match="keeps state between inputs"),
        oracles.start(tiny, random_bytes(5, 3), tmp_path / "cache", chosen) as run,
    ):
        run.result()


# -- the reference on other hosts -----------------------------------------------------------------------------


def test_where_tflite_micro_has_no_package_something_must_stand_in() -> None:
    assert oracles.default_oracles(tflm_wheel=True).reference is TFLM
    with pytest.raises(ToolMissingError, match="tflite-micro has no package"):
        oracles.default_oracles(tflm_wheel=False)
    chosen = oracles.default_oracles(stand_in("sum"), tflm_wheel=False)
    assert chosen.reference.name == "sum" and chosen.stand_in
    assert [o.name for o in chosen.oracles[1:]] == ["litert", "litert-ref", "litert-nodelegate"]


def test_hosts_with_a_package() -> None:
    assert has_tflm_wheel("Linux", "x86_64")
    assert not has_tflm_wheel("Linux", "aarch64")
    assert not has_tflm_wheel("Darwin", "x86_64")


@pytest.mark.parametrize("name", ["sum", "noise"])
def test_any_function_can_stand_in(name: str, tiny: Path, tmp_path: Path) -> None:
    inputs = random_bytes(7, 3)
    chosen = OracleSet((stand_in(name), LITERT_REF), stand_in=True)
    with oracles.start(tiny, inputs, tmp_path / "cache", chosen) as run:
        result = run.result()
    assert list(result) == [name, "litert-ref"]
    assert np.array_equal(result[name].outputs[:, 0], inputs[:, 0] + inputs[:, 1])


def test_a_board_that_is_its_own_oracle_is_known() -> None:
    assert oracles.is_itself(TFLM, "tflm", "host-x86_64")
    assert oracles.is_itself(AOT_HOST, "aot", "host")
    assert not oracles.is_itself(TFLM, "aot", "host-x86_64")
    assert not oracles.is_itself(TFLM, "tflm", "cortex-m4")
    assert not oracles.is_itself(LITERT, "tflm", "host-x86_64")


def test_the_reference_rounds_as_the_engines_promise() -> None:
    for engine in PROMISED:
        assert oracles.keeps_its_promise(TFLM, engine) and oracles.keeps_its_promise(AOT_HOST, engine)
        assert not oracles.keeps_its_promise(LITERT, engine)
        newer = replace(TFLM, rounding=replace(DOUBLE, version=DOUBLE.version + 1))
        assert not oracles.keeps_its_promise(newer, engine)
    assert oracles.keeps_its_promise(LITERT, "an engine that promises nothing")
