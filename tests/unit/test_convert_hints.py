"""What `boardproof convert` says: table, doubts, advice, next command. Only one test imports TensorFlow."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from boardproof_export.ladder import convert, convert_table, keras_file, rungs
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources.opening import SourceOptions
from boardproof_host.commands.main import build_parser, joined


def rung(name: str, *engines: str, reason: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "file": f"m_{name}.tflite",
        "bytes": 409_640,
        "share_of_h5": 0.329,
        "accuracy": 0.873,
        "interval": (0.866, 0.879),
        "mcnemar": {} if name == "float32" else {"float32": {"alone": 3, "other_alone": 5, "p": 0.7265625}},
        "quality": {"kind": "classes", "metrics": {"top_1": 0.873}},
        "snr_db": None,
        "engines": engines,
        "host_only": not engines,
        "reason": reason,
    }


def record(*rungs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "model": {"file": "m.keras"},
        "original": ".h5",
        "h5_bytes": 1_244_464,
        "classes": 10,
        "test": "my data",
        "test_available": 10_000,
        "calibration": {
            "data": "my data",
            "images": 500,
            "available": 60_000,
            "seed": 1,
            "random": False,
            "tested_too": False,
        },
        "rungs": list(rungs),
        "failed": {},
        "test_images": 10_000,
        "input_range": [0.0, 1.0],
        "better_range": None,
    } | changes


def said(*rungs: dict[str, Any]) -> list[str]:
    return list(convert_table.lines(record(*rungs), Path("m.keras"), Path("out"), SourceOptions()))


def test_how_sure_the_accuracies_are() -> None:
    shown = said(rung("float32"), rung("int8", "aot"))
    assert "95 % interval of float32: 86.60% to 87.90%" in shown
    assert "no other rung is better or worse than float32 (McNemar, p 0.73 or more)" in shown
    worse = rung("int8", "aot") | {"mcnemar": {"float32": {"alone": 10, "other_alone": 1_040, "p": 1e-9}}}
    (line,) = (line for line in said(rung("float32"), rung("dynamic"), worse) if "McNemar" in line)
    assert line.startswith(
        "int8 is worse than float32 (McNemar, p 1e-09): of the samples, 10 are right in it alone, 1,040"
    )
    unlabelled = [one | {"interval": None, "mcnemar": {}} for one in (rung("float32"), rung("int8", "aot"))]
    assert not [line for line in said(*unlabelled) if "McNemar" in line or "interval" in line]
    assert "interval" in " ".join(said(rung("float32"))) and "McNemar" not in " ".join(said(rung("float32")))


def test_the_table_fits_sixty_columns() -> None:
    shown = list(
        convert_table.lines(
            record(
                rung("float32", "tflm"), rung("float16", reason="no"), rung("int8_per_tensor", "aot", "tflm")
            ),
            Path("m.keras"),
            Path("out"),
            SourceOptions(),
        )
    )
    table = shown[1:5]
    assert max(map(len, table)) <= 60
    assert [line.split()[-2:] for line in table[1:]] == [
        ["tflm", "alone"],
        ["host", "only"],
        ["87.30%", "microcontroller"],
    ]


@pytest.mark.parametrize(
    ("engines", "span", "target"),
    [
        ((("tflm",), ("aot", "tflm")), [0.0, 1.0], None),
        ((("tflm",), ()), [0.0, 255.0], "tflm_host"),
        ((("tflm",), ("tflm",)), [0.0, 1.0], "tflm_host"),
        (((), ("aot", "tflm")), [-1.0, 1.0], None),
    ],
)
def test_the_next_command_is_one_that_the_command_line_takes(
    engines: tuple[tuple[str, ...], ...], span: list[float], target: str | None
) -> None:
    rungs = [rung(name, *names) for name, names in zip(("float32", "int8"), engines, strict=True)]
    *_, last = convert_table.lines(
        record(*rungs, input_range=span), Path("m.keras"), Path("my models"), SourceOptions()
    )
    assert last.startswith("next: boardproof prove ")
    arguments = shlex.split(last.removeprefix("next: boardproof "))
    args = build_parser().parse_args(joined(arguments))
    assert args.model == Path("my models") / f"m_{'int8' if engines[1] else 'float32'}.tflite"
    assert [float(end) for end in args.input_range.split(":")] == span
    assert target in (None, args.target)


def test_nothing_that_runs_is_no_next_command() -> None:
    *_, last = convert_table.lines(
        record(rung("float16", reason="DEQUANTIZE reads FLOAT16")),
        Path("m.keras"),
        Path("out"),
        SourceOptions(),
    )
    assert "next:" not in last and "none of these runs" in last


def test_a_range_that_may_be_meant_is_asked_for() -> None:
    better = {"range": [-1.0, 1.0], "accuracy": 0.82}
    shown = " ".join(
        convert_table.lines(
            record(rung("float32", "tflm"), better_range=better),
            Path("m.keras"),
            Path("out"),
            SourceOptions(),
        )
    )
    assert "with pixels of -1 to 1 82.0% of the images are right, with 0 to 1 87.3%" in shown
    assert shown.endswith("next, if on the former: boardproof convert m.keras --input-range -1:1")


@pytest.mark.parametrize(("accuracy", "asked"), [(0.1, True), (0.199, True), (0.25, False)])
def test_a_model_that_guesses_is_worth_a_question(accuracy: float, asked: bool) -> None:
    guesses = rung("int8", "aot") | {"accuracy": accuracy}
    shown = list(convert_table.lines(record(guesses), Path("m.keras"), Path("out"), SourceOptions()))
    assert any(line.startswith("warning:") and "by chance" in line for line in shown) == asked
    assert shown[-1].startswith("next: boardproof prove")


@pytest.mark.parametrize("command", ["convert m.keras", "run --target t", "prove", "trace --target t"])
def test_a_range_below_zero_is_no_option(command: str) -> None:
    args = build_parser().parse_args(joined([*command.split(), "--input-range", "-1:1"]))
    assert args.input_range == "-1:1"


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            "Unknown layer: 'Mine'. Please ensure you are using a `keras.utils.custom_object_scope`",
            "its own making",
        ),
        ("No model config found in the file", "weights alone"),
        ("Requested the deserialization of a `Lambda` layer", "Lambda"),
        ("Error when deserializing class 'InputLayer'", "save it again"),
        ("Unable to synchronously open file (truncated file: eof = 5000)", "copy it again"),
    ],
)
def test_what_keras_does_not_load_gets_its_own_advice(said: str, advice: str) -> None:
    assert advice in keras_file.advice(said)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            "<class 'Sequential'> could not be\nread.\nCould not locate class 'Mine'. Make sure",
            "no class 'Mine' here",
        ),
        ("first line\nsecond", "first line"),
        ("", "ValueError"),
    ],
)
def test_what_keras_lacks_is_named_and_not_its_first_line(raised: str, said: str) -> None:
    assert said in keras_file.said_of(ValueError(raised))


def test_what_the_converter_lacks_is_named_and_not_where() -> None:
    raised = "Could not translate. loc(...): 'tf.Relu' op is neither a custom op\nloc: 'tf.Erf' op is neither"
    assert rungs._said(ValueError(raised)) == "TensorFlow Lite has no tf.Erf, tf.Relu, as the model uses it"
    assert rungs._said(RuntimeError("x" * 1000)) == "x" * 300


def test_legacy_keras_in_the_environment_changes_nothing(tmp_path: Path) -> None:
    code = (
        "from boardproof_export.ladder.tensorflow import import_tensorflow;"
        "print(import_tensorflow().keras.__version__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TF_USE_LEGACY_KERAS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3.")


def test_without_a_checkout_the_working_folder_has_the_trained_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "project_if_any", lambda: None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no trained model") as caught:
        convert.default_model()
    assert str(tmp_path / ".boardproof" / "model") in caught.value.message
