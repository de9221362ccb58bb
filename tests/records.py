"""Small fixed records for tests of the record and of its renderings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.manifest import OpInfo
from boardproof_export.shared.memory import MemoryPlan, PlacedBuffer, TflmArena
from boardproof_export.shared.tensors import TensorInfo
from boardproof_host.record.build import build_record, failed
from boardproof_host.record.facts import (
    Circumstances,
    Footprint,
    Images,
    LinkUse,
    Measured,
    OracleFacts,
)
from boardproof_host.record.profile import profile
from boardproof_host.record.schema import (
    Dataset,
    Host,
    Measurement,
    Model,
    Op,
    Reference,
    Report,
    Selection,
    Target,
)

CORTEX_M4 = Target("qemu_cortex_m4", "aot", "dsp", "cortex-m4", "0123456789abcdef", True, None)
STM32F4 = Target("disco_f407vg", "tflm", "cmsis-nn", "cortex-m4", "fedcba9876543210", False, 168_000_000)
OUTPUTS = np.array(
    [[50, -3, -20], [-5, 60, 1], [0, 9, 70], [40, -128, 127], [30, 31, -9], [11, 11, -7]], dtype=np.int8
)
INPUT = TensorInfo("image", "int8", (1, 28, 28), 1 / 255, -128)
OUTPUT = TensorInfo("scores", "int8", (1, 3), 0.25, -3)
CIRCUMSTANCES = Circumstances(
    created="2026-08-01T12:00:00Z",
    boardproof="0.1.0",
    host=Host("Linux 6.1 x86_64", "3.11.7", {"numpy": "2.0"}),
    timing={"build": 4.2, "stream": 1.5, "oracles": 0.0},
    command=("boardproof", "run", "--target", "qemu_cortex_m4"),
)
CLASSES = ("T-shirt/top", "Trouser", "Pullover")
LABELS = np.array([0, 1, 2, 2, 1, 1], dtype=np.uint8)


def raw(outputs: NDArray[Any]) -> NDArray[np.uint8]:
    """Rows as they come over the wire."""
    return np.ascontiguousarray(outputs).view(np.uint8).reshape(len(outputs), -1).copy()


def measured() -> Measured:
    """Six images, all answered; the last one is a tie, which the lower class wins against its label."""
    ticks = np.array([64_000, 64_007, 64_010, 64_011, 64_011, 64_021], dtype=np.uint32)
    return Measured(np.arange(6), raw(OUTPUTS), ticks, "instructions")


def build(*, labels: NDArray[Any] | None = LABELS, **changed: Any) -> Report:
    """An exact run on an emulated Cortex-M4, but for what is `changed`. LiteRT differs twice and flips one tie."""
    litert = OUTPUTS.copy()
    litert[1, 2] -= 1
    litert[5, 0] -= 1
    arguments: dict[str, Any] = {
        "model": Model(
            "fashion_mnist_int8.tflite",
            "ab" * 32,
            108_288,
            (Op("RESHAPE"), Op("FULLY_CONNECTED", 100_352, "dsp"), Op("FULLY_CONNECTED", 1_280, "dsp")),
            (INPUT,),
            (OUTPUT,),
        ),
        "target": CORTEX_M4,
        "images": Images(
            selection=Selection(requested=6, available=10_000, images="0:60", seed=7),
            indices=np.arange(0, 60, 10),
            labels=labels,
            dataset=Dataset("Fashion-MNIST test set", "cd" * 32, CLASSES),
            truth=None if labels is None else labels.astype(np.int64),
        ),
        "measured": measured(),
        "oracles": {
            "tflm": OracleFacts(raw(OUTPUTS), "0.dev1", "twice", 0.25),
            "litert": OracleFacts(raw(litert), "2.0", "once, half to even", cached=True),
        },
        "reference": Reference("tflm", stand_in=False),
        "footprint": Footprint(flash_bytes=112_345, ram_bytes=9_876, arena_bytes=1_024),
        "link": LinkUse(1.5, 4_900, 321, retransmits=1, crc_errors=2, baud=0),
        "circumstances": CIRCUMSTANCES,
    }
    return build_record(**(arguments | changed))


def silicon() -> Report:
    """A run on a real board that was cut short after five of six images, with a wrong output in two of them."""
    whole = measured()
    outputs = whole.outputs[:5].copy()
    outputs[0, 0] = 256 - 50
    outputs[3, 1] = 127
    return build(
        target=STM32F4,
        measured=Measured(
            whole.positions[:5],
            outputs,
            np.array([64_000, 64_007, 64_010, 64_011, 64_021], dtype=np.uint32),
            "cycles",
            reason="the board fell silent for 10 s",
        ),
        link=LinkUse(2.0, 4_900, 321, retransmits=64, crc_errors=2, baud=115_200, payload_down=3_920),
        footprint=Footprint(),
    )


def insides() -> dict[str, Any]:
    """What a measurement tells of the inside of an inference: one image, and a plan beside TensorFlow Lite Micro's."""
    ops = (
        OpInfo("RESHAPE", None, 0, 8),
        OpInfo("FULLY_CONNECTED", "dsp", 100_352, 100_864),
        OpInfo("UNIDIRECTIONAL_SEQUENCE_LSTM", "lstm", 1_280, 1_320),
    )
    buffers = (
        PlacedBuffer("input", (0, 6), 2_360, 784, -1, 1),
        PlacedBuffer("scratch", (), 0, 2_360, 1, 1),
        PlacedBuffer("between", (7,), 3_144, 128, 1, 2),
        PlacedBuffer("output", (8,), 392, 10, 2, 3),
    )
    return {
        "profile": profile(ops, [[27, 61_800, 2_245]], [64_011], [30], "instructions"),
        "memory": MemoryPlan("dsp", 3_272, 3, buffers, TflmArena(1_568, 2_304, measured=True)),
    }


def fell_silent() -> Report:
    """A run that measured nothing."""
    return failed(
        "no answer from the board", "look at the cable", 3, CIRCUMSTANCES, model=build().model, target=None
    )


def found(report: Report) -> Measurement:
    """What a report says of what was measured."""
    assert report.measured is not None
    return report.measured
