"""How requantization rounds: named rules, each with a version, that an oracle has and an engine promises.

a = accumulator + bias; m and s = the quantized multiplier and its shift. tests/unit/test_oracle_rounding.py proves each
formula on the real interpreter, to the last value: a package that begins to round differently fails it, and then gets
a rule of a higher version here.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rounding:
    """One rule. `version` counts up when an interpreter keeps its name and changes its arithmetic."""

    name: str
    version: int
    formula: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}: {self.formula}"


DOUBLE = Rounding("double", 1, "h = (a*m + 2^30) >> 31, then h / 2^-s, half away from zero")
XNNPACK = Rounding("xnnpack", 1, "float(a) * float32 scale, half to even")
REFERENCE = Rounding("reference", 1, "double(a) * scale, half away from zero")
RUY_X86 = Rounding("ruy-x86", 1, "h = (a*m + 2^30) >> 31, then (h + 2^(-s-1)) >> -s")

# By the engine's name in hello: what it promises to compute. A reference that rounds by another rule proves nothing.
PROMISED: Mapping[str, Rounding] = {"aot": DOUBLE, "tflm": DOUBLE}
