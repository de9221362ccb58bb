"""The export side's commands, registered with the command line through an entry point.

Nothing heavy is imported here: `boardproof --help` must answer at once. Each command imports what it needs.
"""

import argparse
from pathlib import Path
from typing import Any

from boardproof_export.ladder.architectures import ARCHITECTURES
from boardproof_export.shared.data_arguments import DATA_ARGUMENTS, DATA_KINDS

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
        help="convert a Keras model or a SavedModel to the ladder of .tflite files",
        **_help(
            "Converts a model to float32, float16, dynamic range and int8, and says what each\n"
            "costs, scores and runs on. int8 is calibrated on the data: real samples, as the\n"
            "model was trained on. Needs TensorFlow.",
            "boardproof convert my_model.keras --data my.npz",
        ),
    )
    parser.add_argument(
        "model", type=Path, nargs="?", help=".keras or .h5 file, SavedModel folder (default: the trained one)"
    )
    parser.add_argument("--out", type=Path, help="folder for the .tflite files (default: beside the model)")
    _add_data(parser, f"{DATA_KINDS} (default: Fashion-MNIST)")
    parser.add_argument(
        "--samples", type=int, default=500, metavar="N", help="samples to calibrate on (default: 500)"
    )
    parser.add_argument(
        "--limit", type=int, default=10_000, metavar="N", help="samples to measure at most (default: 10000)"
    )
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(handler=_convert)


def _add_data(parser: "argparse._ActionsContainer", which: str) -> None:
    parser.add_argument("--data", metavar="DATA", help=which)
    for flag, options in DATA_ARGUMENTS.items():
        parser.add_argument(flag, **options)


def _source(args: argparse.Namespace) -> Any:
    from boardproof_export.shared.sources.opening import named

    return named(args.data, args.input_range, args.label_column, args.resize, args.data_type)


def _convert(args: argparse.Namespace) -> int:
    from boardproof_export.ladder import convert

    return convert.run(
        model=args.model,
        out=args.out,
        source=_source(args),
        as_json=args.json,
        samples=args.samples,
        tested=args.limit,
    )


def _register_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "inspect",
        help="show a .tflite file, which engines can run it, and what quantization costs it",
        **_help(
            "Shows operators, tensors, sizes and MACs of a .tflite file, and what keeps an\n"
            "engine from running it. With --quantization: what int8 costs each layer.",
            "boardproof inspect models/fashion_mnist_int8.tflite",
        ),
    )
    parser.add_argument("model", type=Path, nargs="?", help=".tflite file")
    parser.add_argument(
        "--memory",
        action="store_true",
        help="draw where tensors lie in RAM, and when, beside what TensorFlow Lite Micro takes",
    )
    parser.add_argument(
        "--core",
        choices=("portable", "dsp", "avr"),
        default="portable",
        help="with --memory: the kind of core to draw it for (default: portable)",
    )
    _add_quantization(parser)
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(handler=_inspect)


def _add_quantization(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what quantization costs, layer by layer, worst first")
    group.add_argument(
        "--quantization",
        nargs=2,
        type=Path,
        metavar=("FLOAT", "INT8"),
        help="compare the tensors of a float .tflite file with those of its quantized one",
    )
    _add_data(group, f"{DATA_KINDS} (default: Fashion-MNIST where it fits)")
    group.add_argument(
        "--samples", type=int, default=100, metavar="N", help="samples to compare over (default: 100)"
    )


def _inspect(args: argparse.Namespace) -> int:
    from boardproof_export.shared.errors import InputError

    if (args.model is None) == (args.quantization is None):
        raise InputError(
            "inspect takes one .tflite file, or two with --quantization",
            hint="boardproof inspect FILE.tflite, or boardproof inspect --quantization FLOAT.tflite INT8.tflite",
        )
    if args.quantization is None:
        from boardproof_export.commands import inspect

        return inspect.run(model=args.model, as_json=args.json, memory=args.core if args.memory else None)
    from boardproof_export.commands import quantization

    floating, quantized = args.quantization
    return quantization.run(
        floating=floating,
        quantized=quantized,
        source=_source(args),
        count=args.samples,
        as_json=args.json,
    )


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
        "--kernels",
        action="append",
        help="of the engine aot: portable, dsp or avr; tflm for that engine; repeatable (default: all that run)",
    )
    parser.add_argument("--json", action="store_true", help="print the manifests as JSON")
    parser.set_defaults(handler=_export)


def _export(args: argparse.Namespace) -> int:
    from boardproof_export.commands import export

    return export.run(model=args.model, out=args.out, kernels=args.kernels, as_json=args.json)
