"""What an inference is made of, as inline SVG: what operators cost, and where tensors lie. Sizes as in plots.py."""

from html import escape

from boardproof_export.shared.memory import MemoryPlan, PlacedBuffer
from boardproof_host.record.schema import OpCost, Profile, Report
from boardproof_host.report.numbers import number, percent
from boardproof_host.report.plots import LINE, VALUES, WIDTH, svg, text

MOST_BARS = 40  # operators; of more, the most costly
COLUMNS = ("operator", "count", "share", "MACs", "per MAC", "weights, B")

Rows = tuple[tuple[str, ...], ...]

_NAMES = 172  # room for operators at the left: their numbers, then their names
_LETTERS = 17  # of a name
_ADDRESSES = 52  # room for bytes at the left
_HEIGHT = 200  # of the arena
_GAP = 24


def costs(report: Report) -> str | None:
    """A bar for every operator; None where costs are not known."""
    found = None if report.measured is None else report.measured.profile
    if found is None or found.unit is None:
        return None
    shown = sorted(sorted(found.ops, key=lambda op: -(op.count or 0))[:MOST_BARS], key=lambda op: op.index)
    room = WIDTH - _NAMES - VALUES
    most = max([op.share or 0.0 for op in shown]) or 1.0
    marks = []
    for line, op in enumerate(shown):
        top, share = line * LINE, max(0.0, op.share or 0.0)
        marks += [
            f"<g><title>{escape(_said(op, found))}</title>",
            text(0, top + 18, str(op.index), "start"),
            text(_NAMES - 8, top + 18, _short(op.name), "end"),
            f'<rect class="bar board" x="{_NAMES}" y="{top + 5}" width="{room * share / most:.1f}" height="18"/>',
            text(WIDTH - VALUES + 8, top + 18, percent(share), "start"),
            "</g>",
        ]
    return svg(WIDTH, len(shown) * LINE, f"{found.unit} of an inference, by operator", marks)


def _said(op: OpCost, found: Profile) -> str:
    work = "" if op.per_mac is None else f", {op.per_mac:.2f} a multiply-accumulate"
    return f"operator {op.index}, {op.name}: {number(op.count)} {found.unit}{work}"


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"


def rows(report: Report) -> Rows:
    """COLUMNS for every operator, then the rest and the whole; none where costs are not known."""
    found = None if report.measured is None else report.measured.profile
    if found is None or found.unit is None:
        return ()
    return (
        *(_row(op) for op in found.ops),
        ("the rest", number(found.rest), "", "", "", ""),
        ("inference", number(found.inference), "", "", "", ""),
    )


def _row(op: OpCost) -> tuple[str, ...]:
    return (
        f"{op.index} {op.name}",
        number(op.count),
        "" if op.share is None else percent(op.share),
        number(op.macs) if op.macs else "",
        "" if op.per_mac is None else f"{op.per_mac:.2f}",
        number(op.constant_bytes) if op.constant_bytes else "",
    )


def about_costs(report: Report) -> str:
    """What the picture is of."""
    found = None if report.measured is None else report.measured.profile
    if found is None or found.unit is None or found.hooked is None or found.inference is None:
        return ""
    images = f"image {found.images[0]}" if len(found.images) == 1 else f"{len(found.images)} images"
    return (
        f"{found.unit.capitalize()} of {images}. The hook that looks behind every operator costs "
        f"{number(found.hooked - found.inference)}; {number(found.hook)} are taken off every operator, so that the "
        "rows are the inference together."
    )


def arena(report: Report) -> str | None:
    """Buffers by address and by the operators that need them, and the arenas of both engines; None without a plan."""
    plan = None if report.measured is None else report.measured.memory
    if plan is None:
        return None
    moment = (WIDTH - _ADDRESSES) / (plan.ops + 2)
    marks = [f'<rect class="track" x="{_ADDRESSES}" y="0" width="{WIDTH - _ADDRESSES}" height="{_HEIGHT}"/>']
    marks += [_buffer(plan, buffer, moment) for buffer in plan.buffers]
    marks += [
        text(_ADDRESSES - 6, 12, number(plan.bytes), "end"),
        text(_ADDRESSES - 6, _HEIGHT, "0 B", "end"),
        text(_ADDRESSES, _HEIGHT + 16, "inputs", "start"),
        text((_ADDRESSES + WIDTH) / 2, _HEIGHT + 16, f"operators 0 to {plan.ops - 1}", "middle"),
        text(WIDTH, _HEIGHT + 16, "outputs", "end"),
    ]
    bars, tall = _arenas(plan, _HEIGHT + _GAP)
    return svg(WIDTH, tall, "The arena: address by operator", marks + bars)


def _buffer(plan: MemoryPlan, buffer: PlacedBuffer, moment: float) -> str:
    scale = _HEIGHT / plan.bytes
    tall = buffer.bytes * scale
    kind = {"input": "bar", "output": "bar", "state": "bar", "between": "bar board", "scratch": "scratch"}[
        buffer.kind
    ]
    tensors = f", tensor {', '.join(map(str, buffer.tensors))}" if buffer.tensors else ""
    said = (
        f"{buffer.kind}{tensors}: {number(buffer.bytes)} B at {number(buffer.offset)}, operators "
        f"{max(buffer.first, 0)} to {min(buffer.last, plan.ops - 1)}"
    )
    return (
        f'<rect class="{kind} plan" x="{_ADDRESSES + (buffer.first + 1) * moment:.2f}" '
        f'y="{_HEIGHT - buffer.offset * scale - tall:.2f}" '
        f'width="{(buffer.last - buffer.first + 1) * moment:.2f}" height="{tall:.2f}">'
        f"<title>{escape(said)}</title></rect>"
    )


def _arenas(plan: MemoryPlan, top: int) -> tuple[list[str], int]:
    """A bar for either engine's, and where they end."""
    kept = [("aot", plan.bytes, 0)]
    if plan.tflm is not None:
        kept.append(("TFLM", plan.tflm.tensors, plan.tflm.structures))
    most = max(tensors + structures for _, tensors, structures in kept)
    room = WIDTH - _ADDRESSES - VALUES
    marks = []
    for name, tensors, structures in kept:
        mine, theirs = room * tensors / most, room * structures / most
        marks += [
            text(_ADDRESSES - 6, top + 18, name, "end"),
            f'<rect class="bar board" x="{_ADDRESSES}" y="{top + 5}" width="{mine:.1f}" height="18"/>',
            f'<rect class="bar" x="{_ADDRESSES + mine:.1f}" y="{top + 5}" width="{theirs:.1f}" height="18"/>',
            text(WIDTH - VALUES + 6, top + 18, f"{number(tensors + structures)} B", "start"),
        ]
        top += LINE
    return marks, top


def about_arena(report: Report) -> str:
    """What the picture is of."""
    plan = None if report.measured is None else report.measured.memory
    if plan is None:
        return ""
    words = (
        "A box is a buffer: its address upwards, and from left to right the operators that need it; pale are inputs, "
        "outputs and states, outlined is scratch memory."
    )
    if plan.tflm is None:
        return words
    how = "measured on this machine" if plan.tflm.measured else "bounded from the graph"
    return (
        f"{words} TensorFlow Lite Micro takes {number(plan.tflm.bytes)} B at most on a 32-bit core ({how}), "
        f"{number(plan.tflm.structures)} B (pale) of them for its own structures."
    )
