"""What operators cost, from what a board counted with its hook and without: pure functions."""

from collections.abc import Sequence
from math import ceil

from boardproof_export.shared.manifest import OpInfo
from boardproof_host.record.schema import CostUnit, OpCost, Profile


def profile(
    ops: Sequence[OpInfo],
    sections: Sequence[Sequence[int | None]],
    inferences: Sequence[int],
    images: Sequence[int],
    unit: CostUnit | None,
) -> Profile:
    """The profile of I images.

    The hook costs every operator the same, but for a few instructions. What it costs together is the difference of two
    inferences; an even part of it, rounded up, is taken off each operator. What is left over, and what an engine does
    outside of its operators, is the profile's `rest`.

    Args:
        ops: of the model, in execution order.
        sections: (I, operators) counts of a measured section an operator, each with one call of the hook; None for an
            operator that writes nothing, and that the hook does not see.
        inferences: (I,) counts of the same inferences without a hook.
        unit: of all counts; None where they say nothing.
    """
    if unit is None:
        unknown = tuple(_op(index, op) for index, op in enumerate(ops))
        return Profile(None, tuple(images), unknown, None, None, None, None)
    means = [
        None if None in column else _mean([count or 0 for count in column])
        for column in zip(*sections, strict=True)
    ]
    seen = [mean for mean in means if mean is not None]
    inference = _mean(inferences)
    hooked = _mean([sum(count or 0 for count in row) for row in sections])
    # A board whose interrupts count may need less with the hook than without, and no operator less than nothing.
    hook = max(0, min([ceil((hooked - inference) / max(1, len(seen))), *map(int, seen)]))
    counts = [None if mean is None else mean - hook for mean in means]
    rows = zip(ops, counts, strict=True)
    return Profile(
        unit=unit,
        images=tuple(images),
        ops=tuple(_op(index, op, count, inference) for index, (op, count) in enumerate(rows)),
        inference=inference,
        hooked=hooked,
        hook=hook,
        rest=inference - sum(count or 0 for count in counts),
    )


def _op(index: int, op: OpInfo, count: float | None = None, inference: float = 0) -> OpCost:
    return OpCost(
        index=index,
        name=op.name,
        kernel=op.kernel,
        macs=op.macs,
        constant_bytes=op.constant_bytes,
        count=count,
        share=None if count is None or not inference else count / inference,
        per_mac=None if count is None or not op.macs else count / op.macs,
    )


def _mean(counts: Sequence[int]) -> float:
    """Whole where it can be: sums of such are exact."""
    total = sum(counts)
    return total // len(counts) if total % len(counts) == 0 else total / len(counts)
