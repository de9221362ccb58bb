"""`boardproof profile`: what an inference costs, operator by operator."""

import argparse
import shutil
import sys
from typing import TYPE_CHECKING

from boardproof_export.shared.text import printable
from boardproof_host.commands.columns import columns
from boardproof_host.commands.options import add_look, add_where, help_of, one_board, source_options

if TYPE_CHECKING:
    from boardproof_host.record.schema import Profile
    from boardproof_host.runs.profile_record import ProfileRecord

DESCRIPTION = """\
Says what an inference costs, operator by operator: instructions on an emulated
board, cycles or microseconds on a real one, their share, multiply-accumulates,
and bytes of weights. Every report of a run has it of one image, with a picture.
"""
EXAMPLE = """\
what the reference model costs on an emulated Cortex-M4
  boardproof profile --target qemu_cortex_m4"""
CODES = "exit codes: 0 done; 2 usage, or a file that cannot be used; 3 link or board; 4 environment\n"
NARROW, WIDE = 60, 80  # columns of the table; below ROOMY it goes without weights
ROOMY = 74


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "profile",
        help="what an inference costs, operator by operator",
        **help_of(DESCRIPTION, EXAMPLE, CODES),
    )
    add_where(parser, several=False)
    parser.add_argument(
        "--image", type=int, action="append", default=[], metavar="N", help="this image; repeatable"
    )
    parser.add_argument(
        "--limit", type=int, default=10, metavar="N", help="without --image: the first N (default: 10)"
    )
    add_look(parser, "boardproof.profile/1")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Profiles."""
    from boardproof_export.shared.errors import ExitCode
    from boardproof_export.shared.project import project_if_any
    from boardproof_host.runs.options import ProfileOptions
    from boardproof_host.runs.profile import run_profile

    options = ProfileOptions(one_board(args), source_options(args), tuple(args.image), args.limit)
    record = run_profile(options, project_if_any(), lambda line: print(line, file=sys.stderr))
    width = shutil.get_terminal_size((WIDE, 24)).columns
    print(record.to_json() if args.json else text_of(record, min(max(width, NARROW), WIDE)), end="")
    return ExitCode.PROVEN


def text_of(record: "ProfileRecord", width: int = WIDE) -> str:
    """The profile in words, plain text."""
    found = record.profile
    many = len(found.images)
    whose = f"image {found.images[0]}" if many == 1 else f"{many} images, their mean"
    return "\n".join(
        [
            f"{printable(record.model)} on {record.target.name}, {record.target.engine}, "
            f"{record.target.kernels} kernels",
            f"{whose}, of {printable(record.data)}",
            "",
            _table(found, width),
            _conclusion(record),
        ]
    )


def _table(found: "Profile", width: int) -> str:
    header = ["#", "operator", found.unit or "", "share", "MACs", "per MAC", "weights"]
    rows = [
        [
            str(op.index),
            printable(op.name),
            _number(op.count) or ("" if found.unit is None else "-"),
            "" if op.share is None else f"{op.share:.1%}",
            _number(op.macs),
            "" if op.per_mac is None else f"{op.per_mac:.2f}",
            _number(op.constant_bytes),
        ]
        for op in found.ops
    ]
    macs = sum(op.macs or 0 for op in found.ops)
    weights = sum(op.constant_bytes or 0 for op in found.ops)
    if found.inference is not None and found.rest is not None:
        share = round(found.rest / found.inference, 3) + 0.0 if found.inference else 0.0  # and never -0.0
        rows.append(["", "the rest", _number(found.rest), f"{share:.1%}", "", "", ""])
    per_mac = f"{found.inference / macs:.2f}" if found.inference is not None and macs else ""
    whole = "100.0%" if found.inference else ""
    rows.append(["", "inference", _number(found.inference), whole, _number(macs), per_mac, _number(weights)])
    shown = len(header) if width >= ROOMY else len(header) - 1
    return columns(header[:shown], [row[:shown] for row in rows], left=(1,), width=width)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _conclusion(record: "ProfileRecord") -> str:
    found = record.profile
    if found.hooked is None or found.inference is None:
        return (
            f"the ticks of {record.target.name} are this machine's time and no cost:\n"
            "--target qemu_cortex_m4 counts instructions\n"
        )
    lines = [
        f"the hook costs {_number(found.hooked - found.inference)}: {_number(found.hooked)} with it;",
        f"{_number(found.hook)} are taken off every operator, so that the rows add up",
    ]
    if found.unit == "instructions":
        lines.append("instructions are an emulator's count; they are no time")
    elif record.target.emulated:
        lines.append(f"{found.unit} are a simulator's; they are no time")
    return "\n".join(lines) + "\n"
