"""How good the board's and the interpreters' outputs are: `quality.py` over a run's facts."""

from collections.abc import Mapping

from boardproof_export.shared import quality
from boardproof_export.shared.statistics import mcnemar, wilson
from boardproof_export.shared.tensors import split_rows
from boardproof_host.record import metrics
from boardproof_host.record.facts import Images, Measured
from boardproof_host.record.metrics import Values
from boardproof_host.record.schema import McNemar, Model, Quality


def assess(images: Images, measured: Measured, model: Model, outputs: Mapping[str, Values]) -> Quality | None:
    """How good everybody's first output is; None where nothing tells."""
    chosen = measured.positions
    truth = None if images.truth is None else images.truth[chosen]
    kind = quality.kind_of(truth, model.inputs, model.outputs) if model.inputs else None
    if kind is None or (kind == "reconstruction" and images.inputs is None):
        return None
    real = {name: quality.real_values(values, model.outputs[0]) for name, values in outputs.items()}
    inputs = None
    if kind == "reconstruction" and images.inputs is not None:
        inputs = quality.real_values(split_rows(images.inputs[chosen], model.inputs)[0], model.inputs[0])
    found = {name: quality.metrics(kind, values, truth, inputs) for name, values in real.items()}
    if kind != "classes":
        return Quality(kind, found, None, {})
    assert truth is not None
    right = {name: metrics.argmax(values) == truth for name, values in outputs.items()}
    intervals = {name: wilson(float(ones.mean()), len(ones)) for name, ones in right.items()}
    device = right.pop("device")
    pairs = {
        name: (int((device & ~other).sum()), int((other & ~device).sum())) for name, other in right.items()
    }
    compared = {name: McNemar(*pair, mcnemar(*pair)) for name, pair in pairs.items()}
    return Quality(kind, found, intervals["device"], compared, dict(intervals))
