"""`boardproof prove`: do all that is missing, from the dataset to the verdict."""

import argparse
from dataclasses import replace
from pathlib import Path

from boardproof_host.commands.options import add_run, help_of, run_options
from boardproof_host.commands.run import measure

DESCRIPTION = """\
Trains the model, converts it, renders firmware, builds it, starts an emulated
board, streams the test images and compares: as far as each is missing.
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "prove",
        help="do all that is missing, from the dataset to the verdict",
        **help_of(DESCRIPTION, "boardproof prove --model model.tflite --target qemu_cortex_m3"),
    )
    parser.add_argument(
        "--target", default="qemu_cortex_m4", help="target to prove (default: qemu_cortex_m4)"
    )
    parser.add_argument("--model", type=Path, help="int8 .tflite to prove (default: train and convert one)")
    parser.add_argument("--arch", default="mlp", help="architecture to train: mlp, cnn, dscnn (default: mlp)")
    parser.add_argument("--epochs", type=int, help="training epochs (default: the architecture's)")
    parser.add_argument("--train-seed", type=int, default=1, help="training seed (default: 1)")
    add_run(parser)
    parser.set_defaults(handler=run, port=None)


def run(args: argparse.Namespace) -> int:
    """Runs the missing steps, then the measurement; returns the exit code of the first that fails."""
    options = run_options(args)
    from boardproof_export.shared.project import find_project
    from boardproof_host.boards.open import check
    from boardproof_host.commands.screen import Screen
    from boardproof_host.runs import steps

    project = find_project()
    check(options.board, project)
    if args.model is None:
        try:
            model = steps.trained_model(
                project,
                Screen(quiet=args.quiet),
                data=None if args.data is None else Path(args.data),
                arch=args.arch,
                seed=args.train_seed,
                epochs=args.epochs,
            )
        except steps.StepError as failed:
            return failed.code
        options = replace(options, board=replace(options.board, model=model))
        args.model = model
    return measure(args, options, project)
