"""The export side's commands, registered with the command line through an entry point.

Only argparse is imported here: `boardproof --help` must answer at once. Each command imports what it needs.
"""

import argparse
from pathlib import Path


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds train, convert, inspect and export; each sets `handler`, a function from arguments to exit code."""
    _register_train(commands)
    _register_convert(commands)
    _register_inspect(commands)
    _register_export(commands)


def _register_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("train", help="train the course's model on Fashion-MNIST (.keras and .h5)")
    parser.add_argument("--out", type=Path, help="folder for the model files (default: .boardproof/model)")
    parser.add_argument("--data", type=Path, help="folder with the four IDX files (default: look for them)")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training set (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="seed of weights and shuffling (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(handler=_train)


def _train(args: argparse.Namespace) -> int:
    from boardproof_export.ladder import train

    return train.run(out=args.out, data=args.data, epochs=args.epochs, seed=args.seed, as_json=args.json)


def _register_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("convert", help="convert a Keras model to the ladder of .tflite files")
    parser.add_argument("model", type=Path, nargs="?", help=".keras or .h5 file (default: the trained one)")
    parser.add_argument("--out", type=Path, help="folder for the .tflite files (default: beside the model)")
    parser.add_argument(
        "--input-range",
        default="0:1",
        metavar="LOW:HIGH",
        help="what pixels 0 and 255 were when the model was trained (default: 0:1)",
    )
    parser.add_argument("--data", type=Path, help="folder with the four IDX files (default: look for them)")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(handler=_convert)


def _convert(args: argparse.Namespace) -> int:
    from boardproof_export.ladder import convert
    from boardproof_export.shared.sources.fashion_mnist import parse_span

    span = parse_span(args.input_range)
    return convert.run(model=args.model, out=args.out, data=args.data, span=span, as_json=args.json)


def _register_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("inspect", help="show a .tflite file and which engines can run it")
    parser.add_argument("model", type=Path, help=".tflite file")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(handler=_inspect)


def _inspect(args: argparse.Namespace) -> int:
    from boardproof_export.commands import inspect

    return inspect.run(model=args.model, as_json=args.json)


def _register_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("export", help="render a .tflite file to firmware source")
    parser.add_argument("model", type=Path, help="int8 .tflite file")
    parser.add_argument("--out", type=Path, help="folder to render to (default: firmware/generated)")
    parser.add_argument(
        "--pack",
        action="append",
        help="weight layout portable, dsp or avr, or tflm for that engine; repeatable (default: all that run)",
    )
    parser.add_argument("--json", action="store_true", help="print the manifests as JSON")
    parser.set_defaults(handler=_export)


def _export(args: argparse.Namespace) -> int:
    from boardproof_export.commands import export

    return export.run(model=args.model, out=args.out, packs=args.pack, as_json=args.json)
