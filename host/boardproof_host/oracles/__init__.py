"""The oracles: the Python interpreters that compute a board's inputs while the board does.

They disagree in the last bit, because they round differently when they requantize (docs/DESIGN.md, "Oracles and the
verdict"). What is compared with them, and what the comparison means, does not live here (record, runs); nor does
anything that knows a board.
"""

from boardproof_host.oracles.oracle import (
    LITERT_ORACLES,
    TFLM,
    NoOutputs,
    Oracle,
    OracleOutputs,
    OracleSet,
    check_installed,
    default_oracles,
    is_itself,
    keeps_its_promise,
)
from boardproof_host.oracles.run import OracleRun, start
from boardproof_host.oracles.stand_in import AOT_HOST

__all__ = [
    "AOT_HOST",
    "LITERT_ORACLES",
    "TFLM",
    "NoOutputs",
    "Oracle",
    "OracleOutputs",
    "OracleRun",
    "OracleSet",
    "check_installed",
    "default_oracles",
    "is_itself",
    "keeps_its_promise",
    "start",
]
