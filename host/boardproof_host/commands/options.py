"""From arguments to the records of boards and runs: nothing below the commands knows argparse."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boardproof_export.shared.data_arguments import DATA_ARGUMENTS, DATA_KINDS
from boardproof_host.commands.fitting import HelpText

if TYPE_CHECKING:
    from boardproof_export.shared.sources.opening import SourceOptions
    from boardproof_host.boards.options import BoardOptions
    from boardproof_host.runs.options import RunOptions

EXIT_CODES = """\
exit codes: 0 proven; 1 diverged, or below the gate; 2 usage, or a file that
cannot be used; 3 link or board; 4 environment: a tool is missing, a build
failed, no room, or a fault of boardproof; 130 interrupted (what was measured
is kept)
"""


def help_of(description: str, example: str, codes: str = EXIT_CODES) -> dict[str, Any]:
    """What a command's parser is made with: a description, an example and the exit codes."""
    return {
        "description": description,
        "epilog": f"example: {example}\n\n{codes}",
        "formatter_class": HelpText,
    }


def add_where(parser: argparse.ArgumentParser, *, several: bool = True) -> None:
    """--target or --port, of `several` boards or of one, and --model."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--target", help="build and start this emulated board (boardproof targets lists them)")
    port = "serial device or pyserial URL of a board that is there, or auto"
    if several:
        where.add_argument("--port", action="append", help=f"{port}; again for more boards of one firmware")
    else:
        where.add_argument("--port", help=port)
    parser.add_argument("--model", type=Path, help=".tflite in the firmware (default: the exported one)")


def add_look(parser: argparse.ArgumentParser, schema: str) -> None:
    """What a look inside a board takes, beside the images: data, patience, and how it is shown."""
    add_data(parser)
    parser.add_argument(
        "--patience", type=float, metavar="S", help="wait so many seconds for an answer of the board"
    )
    parser.add_argument("--json", action="store_true", help=f"print the record, {schema}")
    parser.add_argument("--verbose", action="store_true", help="show PlatformIO's output")


def one_board(args: argparse.Namespace) -> "BoardOptions":
    """The board that the arguments of `add_where`, one board's, and `add_look` ask for."""
    from boardproof_host.boards.options import BoardOptions, LinkOptions

    return BoardOptions(
        target=args.target,
        ports=() if args.port is None else (args.port,),
        model=args.model,
        link=LinkOptions(patience=args.patience),
        verbose=args.verbose,
    )


def add_data(arguments: "argparse._ActionsContainer") -> None:
    """--data and how to read it."""
    arguments.add_argument(
        "--data",
        metavar="DATA",
        help=f"{DATA_KINDS} (default: Fashion-MNIST where it fits the model, else random:100)",
    )
    for flag, options in DATA_ARGUMENTS.items():
        arguments.add_argument(flag, **options)


def add_run(parser: argparse.ArgumentParser) -> None:
    """What `run` and `prove` share."""
    which = parser.add_argument_group("which images")
    add_data(which)
    which.add_argument("--limit", type=int, metavar="N", help="stream N images at most")
    which.add_argument("--images", metavar="A:B", help="stream images A to B - 1")
    which.add_argument("--seed", type=int, help="with --limit: choose at random, from this seed")
    which.add_argument(
        "--stateful",
        action="store_true",
        help="the images are one sequence: state that the model keeps goes on from one to the next (default: it is put "
        "back before each)",
    )
    _add_link(parser)
    result = parser.add_argument_group("what comes out")
    result.add_argument("--resume", action="store_true", help="go on with the newest run that was cut short")
    result.add_argument("--out", type=Path, help="folder for the report (default: a new one a run)")
    result.add_argument("--json", action="store_true", help="print the record as JSON")
    result.add_argument(
        "--gate",
        choices=("exact", "equivalent"),
        default="exact",
        help="worst verdict that counts as proven (default: exact)",
    )
    result.add_argument("--min-accuracy", type=float, metavar="F", help="also require this accuracy, 0 to 1")
    result.add_argument("--quiet", action="store_true", help="print the verdict alone, and no progress")
    result.add_argument("--verbose", action="store_true", help="show PlatformIO's output")


def _add_link(parser: argparse.ArgumentParser) -> None:
    link = parser.add_argument_group("the link")
    link.add_argument(
        "--boards", type=int, default=1, metavar="N", help="emulated boards to share the images (default: 1)"
    )
    link.add_argument(
        "--baud", default="auto", help="line rate of a port: auto, safe (115200), or a rate (default: auto)"
    )
    link.add_argument("--plain", action="store_true", help="send inputs as they are, never packed")
    link.add_argument(
        "--patience",
        type=float,
        metavar="S",
        help="wait so many seconds for an answer (default: 10, or twice what the board says of an inference)",
    )
    link.add_argument(
        "--throttle", type=int, metavar="BAUD", help="give the link this line rate, 8N1, in both directions"
    )
    link.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND:RATE",
        help="damage the link: drop, flip, duplicate, delay, split, reorder or disconnect, so many a byte "
        "(flip:0.001), or at one byte of a direction (flip@down:1234, drop@up:0); repeatable",
    )
    link.add_argument(
        "--fault-seed", type=int, metavar="N", help="seed of the faults (default: that of --seed, or 0)"
    )


def source_options(args: argparse.Namespace) -> "SourceOptions":
    """The data that the arguments name.

    Raises:
        InputError: the range of the pixels is none.
    """
    from boardproof_export.shared.sources.opening import named

    return named(args.data, args.input_range, args.label_column, args.resize, args.data_type)


def board_options(args: argparse.Namespace) -> "BoardOptions":
    """The boards and the link that the arguments ask for.

    Raises:
        InputError: a fault is none.
    """
    from boardproof_host.boards.options import BoardOptions, LinkOptions
    from boardproof_host.link.disturbance.faults import FaultSpec

    link = LinkOptions(
        baud=args.baud,
        packed=not args.plain,
        throttle=args.throttle,
        faults=tuple(FaultSpec.parse(text) for text in args.fault),
        fault_seed=args.fault_seed if args.fault_seed is not None else (args.seed or 0),
        patience=args.patience,
    )
    return BoardOptions(args.target, tuple(args.port or ()), args.boards, args.model, link, args.verbose)


def run_options(args: argparse.Namespace) -> "RunOptions":
    """The run that the arguments ask for.

    Raises:
        InputError: as `board_options`, or the accuracy is none.
    """
    from boardproof_export.shared.errors import InputError
    from boardproof_host.record.facts import Gates
    from boardproof_host.runs.options import ImageOptions, RunOptions

    if args.min_accuracy is not None and not 0 <= args.min_accuracy <= 1:
        raise InputError(
            f"--min-accuracy {args.min_accuracy} is not within 0 to 1", hint="write 0.87 for 87 %"
        )
    return RunOptions(
        board=board_options(args),
        images=ImageOptions(source_options(args), args.limit, args.images, args.seed, args.stateful),
        gates=Gates(args.gate, args.min_accuracy),
        resume=args.resume,
        out=args.out,
    )
