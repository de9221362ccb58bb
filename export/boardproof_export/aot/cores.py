"""Core profiles: what of a core kernels are chosen by. A profile's name is its folder's and a target's `kernels`."""

from dataclasses import dataclass
from typing import Any

from boardproof_export.operators.records import Feature, Operator


@dataclass(frozen=True)
class Core:
    """A kind of core."""

    name: str
    features: frozenset[Feature] = frozenset()
    refuses: tuple[str, str] | None = (
        None  # a preprocessor condition under which it is the wrong one, and what to say
    )


CORES: dict[str, Core] = {
    core.name: core
    for core in (
        Core("portable"),
        Core(
            "dsp",
            frozenset({Feature.DSP}),
            (
                "defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_FEATURE_DSP)",
                "this core has no DSP instructions: build the pack portable",
            ),
        ),
        Core("avr", frozenset({Feature.ELPM})),
    )
}


def kernel_name(operator: Operator[Any], layer: Any, core: Core) -> str | None:
    """The C function that computes the layer on such a core; None where nothing is computed."""
    kernel = operator.kernel_for(core.features, layer)
    return None if kernel is None else kernel.name
