"""Small fixed records for tests of the record and of its renderings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_host.oracles.oracle import LITERT, TFLM, OracleOutputs
from boardproof_host.record.build import (
    Circumstances,
    Footprint,
    Images,
    LinkUse,
    Measured,
    build_record,
)
from boardproof_host.record.schema import Dataset, Host, Model, Reference, Report, Selection, Target

CORTEX_M4 = Target("qemu_cortex_m4", "aot", "dsp", "cortex-m4", "0123456789abcdef", True, None)
STM32F4 = Target("disco_f407vg", "tflm", "cmsis-nn", "cortex-m4", "fedcba9876543210", False, 168_000_000)
OUTPUTS = np.array(
    [[50, -3, -20], [-5, 60, 1], [0, 9, 70], [40, -128, 127], [30, 31, -9], [11, 11, -7]], dtype=np.int8
)
LABELS = np.array([0, 1, 2, 2, 1, 1], dtype=np.uint8)


def measured() -> Measured:
    """Six images, all answered; the last one is a tie, which the lower class wins against its label."""
    ticks = np.array([64_000, 64_007, 64_010, 64_011, 64_011, 64_021], dtype=np.uint32)
    return Measured(np.arange(6), OUTPUTS.copy(), ticks, "instructions")


def build(*, labels: NDArray[Any] | None = LABELS, **changed: Any) -> Report:
    """An exact run on an emulated Cortex-M4, but for what is `changed`. LiteRT differs twice and flips one tie."""
    litert = OUTPUTS.copy()
    litert[1, 2] -= 1
    litert[5, 0] -= 1
    arguments: dict[str, Any] = {
        "model": Model("fashion_mnist_int8", "ab" * 32, 108_288, ("RESHAPE", "FULLY_CONNECTED")),
        "target": CORTEX_M4,
        "images": Images(
            selection=Selection(requested=6, available=10_000, images="0:60", seed=7),
            indices=np.arange(0, 60, 10),
            labels=labels,
            dataset=Dataset("fashion-mnist test", "cd" * 32),
        ),
        "measured": measured(),
        "oracles": {
            "tflm": OracleOutputs(TFLM, OUTPUTS.copy(), "0.dev1", 0.25, cached=False),
            "litert": OracleOutputs(LITERT, litert, "2.0", 0.0, cached=True),
        },
        "reference": Reference("tflm", stand_in=False),
        "footprint": Footprint(flash_bytes=112_345, ram_bytes=9_876, arena_bytes=1_024),
        "link": LinkUse(1.5, 4_900, 321, retransmits=1, crc_errors=2, baud=0),
        "circumstances": Circumstances(
            created="2026-08-01T12:00:00Z",
            boardproof="0.1.0",
            host=Host("Linux 6.1 x86_64", "3.11.7", {"numpy": "2.0"}),
            timing={"build": 4.2, "stream": 1.5, "oracles": 0.0},
        ),
    }
    return build_record(**(arguments | changed))


def silicon() -> Report:
    """A run on a real board that was cut short after five of six images, with a wrong output in two of them."""
    whole = measured()
    outputs = whole.outputs[:5].copy()
    outputs[0, 0] = -50
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
