"""The export side's commands, registered with the command line through an entry point.

Nothing heavy is imported here: `boardproof --help` must answer at once. Each command imports what it needs.
"""

import argparse
from pathlib import Path
from typing import Any

from boardproof_export.ladder.architectures import ARCHITECTURES

_CODES = "exit codes: 0 done; 2 usage, or a file that cannot be used; 4 environment"


def _help(description: str, example: str) -> dict[str, Any]:
    """What a command's parser is made with; lines stay as they stand."""
    return {
        "description": description,
        "epilog": f"example: {example}\n\n{_CODES}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds train, convert, inspect and export; each sets `handler`, a function from arguments to exit code."""
    _register_train(commands)
    _register_convert(commands)
    _register_inspect(commands)
    _register_export(commands)


def _register_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "train",
        help="train a network on Fashion-MNIST (.keras and .h5)",
        **_help(
            "Trains a classifier of Fashion-MNIST: mlp is the TensorFlow course's, cnn has\n"
            "convolutions, dscnn depthwise ones: on two free cores some 20 and 30 minutes.\n"
            "The same seed gives the same weights.\n"
            "Needs TensorFlow: pip install 'boardproof[export]'.",
            "boardproof train --arch cnn --seed 1",
        ),
    )
    parser.add_argument(
        "--arch", default="mlp", choices=ARCHITECTURES, help="network to train (default: mlp)"
    )
    parser.add_argument("--out", type=Path, help="folder for the model files (default: .boardproof/model)")
    parser.add_argument("--data", type=Path, help="folder with the four IDX files (default: look for them)")
    parser.add_argument(
        "--epochs", type=int, help="passes over the training set (default: the architecture's; mlp: 10)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of weights and shuffling (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(handler=_train)


def _train(args: argparse.Namespace) -> int:
    from boardproof_export.ladder import train

    return train.run(
        arch=args.arch, out=args.out, data=args.data, epochs=args.epochs, seed=args.seed, as_json=args.json
    )


def _register_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "convert",
        help="convert a Keras model to the ladder of .tflite files",
        **_help(
            "Converts a Keras classifier of 28x28 images to float32, float16, dynamic range\n"
            "and int8, and says what each costs, scores and runs on. Needs TensorFlow.",
            "boardproof convert my_model.keras --input-range=-1:1",
        ),
    )
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
    from boardproof_export.shared.sources.pixels import parse_span

    span = parse_span(args.input_range)
    return convert.run(model=args.model, out=args.out, data=args.data, span=span, as_json=args.json)


def _register_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "inspect",
        help="show a .tflite file and which engines can run it",
        **_help(
            "Shows operators, tensors, sizes and MACs of a .tflite file, and what keeps an\n"
            "engine from running it.",
            "boardproof inspect models/fashion_mnist_int8.tflite",
        ),
    )
    parser.add_argument("model", type=Path, help=".tflite file")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(handler=_inspect)


def _inspect(args: argparse.Namespace) -> int:
    from boardproof_export.commands import inspect

    return inspect.run(model=args.model, as_json=args.json)


def _register_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "export",
        help="render a .tflite file to firmware source",
        **_help(
            "Renders a .tflite file to C: one folder a core of the engine aot, and one for\n"
            "TensorFlow Lite Micro. `run --target T --model M` does it by itself.",
            "boardproof export models/fashion_mnist_int8.tflite",
        ),
    )
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
