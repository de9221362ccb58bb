"""Whether labels fit a model's outputs."""

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources import DataSource


def check_labels(source: DataSource, classes: int) -> None:
    """Refuses classes that a model does not have.

    Args:
        classes: values of the model's first output; one alone tells no classes apart.

    Raises:
        InputError: naming the first such label.
    """
    labels = source.labels
    if labels is None or source.meaning != "classes" or classes < 2:
        return
    if int(labels.max()) >= classes:
        at = int((labels >= classes).argmax())
        raise InputError(
            f"sample {at} of {source.name} has the label {int(labels[at])}, the model tells {classes} classes apart",
            hint=f"give labels from 0 to {classes - 1}, or leave them out",
        )
