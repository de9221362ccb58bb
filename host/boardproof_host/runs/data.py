"""Which data a run streams: those that are named, else those that fit the model."""

from dataclasses import dataclass

from boardproof_export.shared.labels import check_labels
from boardproof_export.shared.sources import DataSource
from boardproof_export.shared.sources.fashion_mnist import IMAGE_SHAPE
from boardproof_export.shared.sources.opening import SourceOptions, open_source
from boardproof_export.shared.sources.random_inputs import RandomInputs
from boardproof_host.record.schema import Dataset, Model, Selection
from boardproof_host.runs import selection
from boardproof_host.runs.options import ImageOptions

RANDOM = 100  # inputs where no data were named


@dataclass(frozen=True)
class Work:
    """What is streamed."""

    source: DataSource
    chosen: selection.Selection
    images: ImageOptions

    @property
    def dataset(self) -> Dataset:
        """What the record says of the data."""
        return Dataset(self.source.name, self.source.sha256, self.source.class_names)

    @property
    def selection(self) -> Selection:
        """What the record says of the choice."""
        return Selection(
            requested=len(self.chosen.indices),
            available=len(self.source),
            images=self.images.images,
            seed=self.images.seed,
            stateful=self.images.stateful,
        )


def work(images: ImageOptions, model: Model | None) -> Work:
    """The data that are named; without any, those that fit the model: the Fashion-MNIST test set, or random inputs.

    Where the model is known, labels and the first sample are held against it: nothing is built for what does not fit.

    Raises:
        InputError: they cannot be read, do not fit, or nothing of them was chosen.
        ToolMissingError: Fashion-MNIST is not here.
    """
    source = for_model(images.source, model)
    done = Work(source, selection.select(len(source), images.images, images.limit, images.seed), images)
    if model is not None:
        check(done, model)
        source.rows(model.inputs, done.chosen.indices[:1])
    return done


def for_model(options: SourceOptions, model: Model | None) -> DataSource:
    """The same without a choice."""
    if options.data is not None or model is None or _fashion(model):
        return open_source(options)
    return RandomInputs(RANDOM)


def _fashion(model: Model) -> bool:
    """Whether the model takes an image of 28 x 28 and tells ten classes apart."""
    edges = [[tensor.count for tensor in side] for side in (model.inputs, model.outputs)]
    return edges == [[IMAGE_SHAPE[0] * IMAGE_SHAPE[1]], [10]]


def notes(done: Work, model: Model) -> list[str]:
    """What the user should know of the data before they are streamed."""
    found = []
    if done.images.source.data is None and isinstance(done.source, RandomInputs):
        found.append(
            f"no data were named (--data), so {RANDOM} random inputs are streamed: parity alone is measured"
        )
    doubt = done.source.doubt(model.inputs)
    return [*found, doubt] if doubt is not None else found


def check(done: Work, model: Model) -> None:
    """Refuses classes that the model does not have, in data that were named.

    Raises:
        InputError: naming the first such label.
    """
    if done.images.source.data is not None:
        check_labels(done.source, model.outputs[0].count)
