"""`boardproof trace`: run single images operator by operator, name the first that diverges, say what each costs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from boardproof_export.shared.text import printable
from boardproof_host.commands.columns import columns
from boardproof_host.commands.options import add_look, add_where, help_of, one_board, source_options

if TYPE_CHECKING:
    from boardproof_host.runs.diagnosis import Diagnosis
    from boardproof_host.runs.layers import Divergence
    from boardproof_host.runs.trace_record import Trace

DESCRIPTION = """\
Runs images operator by operator on a board, and compares every output with that
of TensorFlow Lite Micro. Without --image it takes the images that differ in
the last report of this target and model.
"""
EXAMPLE = """\
the three worst images of the last run, operator by operator
  boardproof trace --target qemu_cortex_m4 --worst 3"""
CODES = "exit codes: 0 in the images looked at all operators match; 1 one diverges\n"
SHOWN = 3  # images whose values are printed


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "trace",
        help="run images operator by operator: the first that diverges, and the cost of each",
        **help_of(DESCRIPTION, EXAMPLE, CODES),
    )
    add_where(parser, several=False)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--image", type=int, action="append", default=[], metavar="N", help="this test image; repeatable"
    )
    which.add_argument("--report", type=Path, metavar="FILE", help="the images that differ in this report")
    parser.add_argument(
        "--worst", type=_positive, metavar="N", help="of the images that differ, only the N worst"
    )
    add_look(parser, "boardproof.trace/1")
    parser.set_defaults(handler=run)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} leaves no image")
    return number


def run(args: argparse.Namespace) -> int:
    """Traces; exit code 1 when an operator's output is not the reference's."""
    from boardproof_export.shared.errors import ExitCode
    from boardproof_export.shared.project import project_if_any
    from boardproof_host.runs.options import TraceOptions
    from boardproof_host.runs.trace import trace

    options = TraceOptions(one_board(args), source_options(args), tuple(args.image), args.report, args.worst)
    record = trace(options, project_if_any(), lambda line: print(line, file=sys.stderr))
    print(record.to_json() if args.json else text_of(record), end="")
    return ExitCode.DIVERGED if record.divergences else ExitCode.PROVEN


def text_of(record: "Trace") -> str:
    """The trace in words, plain text of 60 to 80 columns; what matters most comes last."""
    shown = record.divergences[:SHOWN]
    parts = [_operators(record), *map(_divergence, shown)]
    if len(shown) < len(record.divergences):
        more = len(record.divergences) - len(shown)
        parts.append(f"and {more} image{'s' if more > 1 else ''} more (--json has them)\n")
    return "\n".join([*parts, _conclusion(record)])


def _operators(record: "Trace") -> str:
    header = ["#", "operator", "bytes", record.unit or "", "share" if record.unit else "", "differs in"]
    many = len(record.images)
    rows = [
        [
            str(op.index),
            printable(op.name),
            f"{op.bytes:,}",
            "" if op.ticks is None else f"{op.ticks:,.0f}",
            "" if op.share is None else f"{op.share:.1%}",
            f"{op.differs_in} of {many}" if op.differs_in else "-",
        ]
        for op in record.ops
    ]
    if record.ticks is not None:
        rows.append(["", "all", "", f"{record.ticks:,.0f}", "", ""])
    text = columns(header, rows, left=(1,))
    if record.unit and record.target.emulated:
        text += f"{record.unit} are an emulator's count, the mean over the images; they are no time\n"
    return text


def _divergence(found: "Divergence") -> str:
    lines = [f"image {found.image} diverges first at operator {found.op} ({printable(found.name)})"]
    place = f"  {found.type} {list(found.shape)}" + (f", output {found.output}" if found.output else "")
    if not found.read:
        return "\n".join([*lines, f"{place}: the values of other images were read", ""])
    if found.differing is None:
        return "\n".join([*lines, f"{place}: sizes or types differ, so that no values can be shown", ""])
    lines.append(
        f"{place}: {found.differing:,} of {found.values:,} values differ, by {found.max_abs_diff} at most"
    )
    axes = _axes(found)
    rows = [
        [*(str(element.index[at]) for at, _ in axes), str(element.board), str(element.reference)]
        for element in found.elements
    ]
    table = columns([*(name for _, name in axes), "board", "reference"], rows, left=())
    return "\n".join([*lines, *(f"  {line}" for line in table.splitlines()), ""])


def _axes(found: "Divergence") -> list[tuple[int, str]]:
    """The axes that tell where a value is, with their names: as TensorFlow Lite orders them, channels last."""
    rank = len(found.elements[0].index) if found.elements else 0
    if rank != len(found.shape) or not 2 <= rank <= 4:
        return [(at, "at" if rank == 1 else f"axis {at}") for at in range(rank)]
    names = ("batch", *("row", "column")[: rank - 2], "channel")
    return [(at, name) for at, name in enumerate(names) if found.shape[at] > 1 or at == rank - 1]


def _conclusion(record: "Trace") -> str:
    lines = [f"looked at {record.looked_at}"]
    if record.own_reference:
        lines.append(
            "the board is TensorFlow Lite Micro on this machine, its own reference: no engine is proven"
        )
    if record.divergences:
        first = min(record.divergences, key=lambda found: found.op)
        lines += [line for one in record.diagnoses for line in _meaning(record, one)]
        behind = any(op.differs_in for op in record.ops[first.op + 1 :])
        lines.append(
            f"{len(record.divergences)} of {len(record.images)} diverge, first at operator {first.op} "
            f"({printable(first.name)})" + ("; what differs behind it may follow from it" if behind else "")
        )
    else:
        lines.append("every operator's output is TensorFlow Lite Micro's in " + _those(len(record.images)))
        if record.expected and record.rebuilt:
            lines.append("the report is of another firmware: run again before you trust either")
        elif record.expected:
            lines.append("yet the report has them differ: run again, and report it if they differ again")
    return "\n".join(lines) + "\n"


def _meaning(record: "Trace", one: "Diagnosis") -> list[str]:
    """What the differences usually mean, and where the largest is."""
    which = f"operator {one.op} ({printable(record.ops[one.op].name)})"
    lines = [f"{which}{f', output {one.output}' if one.output else ''}: {one.words}"]
    shown = [
        found
        for found in record.divergences
        if (found.op, found.output) == (one.op, one.output) and found.elements
    ]
    if shown:
        most = max(shown, key=lambda found: float(found.max_abs_diff or 0))
        place = ", ".join(f"{name} {most.elements[0].index[at]}" for at, name in _axes(most))
        lines.append(f"  largest difference: {most.max_abs_diff} at {place} of image {most.image}")
    return lines


def _those(many: int) -> str:
    return "this image" if many == 1 else f"these {many} images"
