"""Records of schema "boardproof.report/1", as version 2 says the same."""

from typing import Any

SCHEMA = "boardproof.report/1"
_MEASURED = ("verdict", "images", "accuracy", "class_accuracy", "confusion", "parity", "mismatches")
_KEPT = ("created", "boardproof", "target", "selection", "timing", "host")
# Version 1 did not know these.
_LINK = {"boards": 1, "restarts": 0, "reopened": 0, "confirmed": None}
_EXIT_CODES = {"diverged": 1, "incomplete": 3, "proven": 0}


def upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """The same record in version 2. Gates were not recorded: the outcome is that of the verdict and of completeness.

    Raises:
        KeyError, TypeError, AttributeError: `record` is no record of version 1.
    """
    dataset, model = record["dataset"], record["model"]
    outcome = (
        "diverged" if record["verdict"] == "diverged" else "proven" if record["complete"] else "incomplete"
    )
    return {key: record[key] for key in _KEPT} | {
        "schema": "boardproof.report/2",
        "outcome": outcome,
        "exit_code": _EXIT_CODES[outcome],
        "reason": record["reason"],
        "next": None,
        "gates": [],
        "command": [],
        "model": model | {"ops": [_op(name) for name in model["ops"]], "inputs": [], "outputs": []},
        "dataset": None if dataset is None else dataset | {"classes": []},
        "measured": {key: record[key] for key in _MEASURED}
        | {
            "resumed": 0,
            "legs": 1,
            "reference": record["reference"]
            | {"own_oracle": record["target"]["name"] == "tflm_host", "doubt": None},
            "not_run": {},
            "cost": record["cost"],
            "link": record["link"] | _LINK,
        },
    }


def _op(name: str) -> dict[str, Any]:
    return {"name": name, "macs": None, "kernel": None}
