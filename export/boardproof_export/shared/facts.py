"""What the export side tells the host of a model, beside what the board itself says in hello."""

from dataclasses import dataclass

from boardproof_export.shared.manifest import OpInfo
from boardproof_export.shared.memory import MemoryPlan


@dataclass(frozen=True)
class ModelFacts:
    """A model as one engine runs it on one kind of core."""

    ops: tuple[
        OpInfo, ...
    ]  # in execution order; `constant_bytes` are those of the file, as no kernel packs them
    memory: MemoryPlan | None  # None for the engine tflm, which plans on the board
