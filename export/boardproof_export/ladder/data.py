"""Which data calibrate a conversion, and which measure it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources import DataSource, fashion_mnist
from boardproof_export.shared.sources.opening import SourceOptions, open_source
from boardproof_export.shared.sources.random_inputs import RandomInputs
from boardproof_export.shared.tensors import TensorInfo, split_rows

SAMPLES = 500  # the TensorFlow Lite guide asks for 100 to 500
SEED = 1
MOST_TESTED = 10_000


@dataclass(frozen=True)
class LadderData:
    """Calibration and test data; one and the same where there is no training part."""

    calibration: DataSource
    test: DataSource
    named: bool  # whether the user named them; else they are Fashion-MNIST
    samples: int = SAMPLES
    tested: int = MOST_TESTED

    @property
    def chosen(self) -> NDArray[np.intp]:
        """The calibration samples."""
        return _drawn(len(self.calibration), self.samples)

    @property
    def measured(self) -> NDArray[np.intp]:
        """The test samples."""
        return np.sort(_drawn(len(self.test), self.tested))

    @property
    def same(self) -> bool:
        """Whether the samples that are measured are those among which the calibration's were drawn."""
        return self.calibration.sha256 == self.test.sha256

    @property
    def random(self) -> bool:
        """Whether they are no data at all."""
        return isinstance(self.calibration, RandomInputs)


def _drawn(available: int, wanted: int) -> NDArray[np.intp]:
    """Samples drawn without replacement by a fixed seed, all where there are no more: data may be sorted by class."""
    return np.random.default_rng(SEED).choice(available, min(wanted, available), replace=False)


def open_data(options: SourceOptions, samples: int = SAMPLES, tested: int = MOST_TESTED) -> LadderData:
    """The data that the options name; without any Fashion-MNIST.

    Raises:
        InputError: they cannot be read, or a number is none.
        ToolMissingError: nothing was named, and Fashion-MNIST is not here.
    """
    for flag, number in (("--samples", samples), ("--limit", tested)):
        if number < 1:
            raise InputError(f"{flag} {number} leaves no sample", hint="pass 1 or more")
    return LadderData(
        open_source(replace(options, part="train")),
        open_source(options),
        options.data is not None,
        samples,
        tested,
    )


def check_fit(data: LadderData, inputs: tuple[TensorInfo, ...], outputs: int | None = None) -> None:
    """Refuses data that do not fit a model's inputs, or hold values that are not finite among the calibration samples.

    Raises:
        InputError: naming both shapes, or the sample.
    """
    if not data.named and [tensor.count for tensor in inputs] != [prod(fashion_mnist.IMAGE_SHAPE)]:
        shapes = ", ".join(f"{tensor.name} {' x '.join(map(str, tensor.shape))}" for tensor in inputs)
        raise InputError(
            f"the model takes {shapes}, and no data were named: an image of Fashion-MNIST is 28 x 28",
            hint="name data of that shape with --data: the conversion to int8 needs real samples",
        )
    data.test.rows(inputs, data.measured[:1])
    for _ in calibration(data, inputs):
        pass


def calibration(data: LadderData, inputs: tuple[TensorInfo, ...]) -> Iterator[dict[str, NDArray[np.generic]]]:
    """The representative data: for each chosen sample an array of the input's shape an input, by name."""
    for index in data.chosen:
        rows = data.calibration.rows(inputs, np.array([index]))
        yield {
            tensor.name: values.reshape(tensor.shape)
            for tensor, values in zip(inputs, split_rows(rows, inputs), strict=True)
        }
