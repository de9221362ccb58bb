"""How good outputs are, in one figure, as people read it."""

from typing import Any

# By what the outputs mean: its name, the metric, and how it is written.
_FIGURES: dict[str, tuple[str, str, str]] = {
    "classes": ("accuracy", "top_1", "{:.2%}"),
    "scores": ("AUC", "auc", "{:.4f}"),
    "regression": ("RMSE", "rmse", "{:.4g}"),
    "reconstruction": ("MSE", "mse", "{:.4g}"),
}


def name_of(quality: dict[str, Any]) -> str | None:
    """The figure's name; None where the data do not tell how good the outputs are."""
    kind = quality["kind"]
    return None if kind is None else _FIGURES[kind][0]


def figure(quality: dict[str, Any]) -> str:
    """The figure; "-" where there is none."""
    if quality["kind"] is None:
        return "-"
    _, metric, form = _FIGURES[quality["kind"]]
    value = quality["metrics"][metric]
    return "-" if value is None else form.format(value)
