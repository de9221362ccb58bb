"""`boardproof report`, and what `boardproof run` says of the record that it has made."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from boardproof_export.shared import project
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.project import Project
from boardproof_host.commands import report as report_command
from boardproof_host.commands.main import build_parser, main
from boardproof_host.commands.run import next_action, show
from boardproof_host.record import file
from boardproof_host.record.facts import Gates
from boardproof_host.record.schema import Report
from boardproof_host.record.store import Store
from boardproof_host.report import render_html, render_junit, render_markdown
from boardproof_host.runs.run import Finished
from records import build, silicon

EXACT = build()
RENDERERS = {"markdown": render_markdown, "junit": render_junit, "html": render_html}


def rendered(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["report", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("fmt", report_command.FORMATS)
def test_report_command_prints_and_writes(
    fmt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file.write(EXACT, tmp_path / "report.json")
    out = tmp_path / "rendered"
    assert rendered(capsys, str(path), "--format", fmt, "--out", str(out)) == ""
    printed, written = rendered(capsys, str(tmp_path), "--format", fmt), out.read_text(encoding="utf-8")
    if fmt == "terminal":
        assert "0 of 18 outputs" in printed and "0 of 18 outputs" in written
        assert "\x1b" not in written
    elif fmt == "json":
        assert printed == written == file.to_json(EXACT)
    else:
        assert printed == written == RENDERERS[fmt](EXACT)


def test_report_command_refuses_what_it_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(file.write(EXACT, tmp_path / "report.json"))
    for arguments, words in (
        ([path, "--out", f"{path}/below.html"], "is in a folder that is not there"),
        ([path, "--out", str(tmp_path)], "is a folder"),
        ([path, "--out", str(tmp_path / "absent" / "x.html")], "is in a folder that is not there"),
        ([str(tmp_path / "absent.json")], "cannot read"),
    ):
        assert main(["report", *arguments]) == 2
        assert words in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_target_names_its_newest_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOARDPROOF_PROJECT", raising=False)
    monkeypatch.setattr(project, "find_project", no_checkout)
    kept = Store(tmp_path / ".boardproof" / "reports")
    for stamp, record in (("1", EXACT), ("2", silicon())):
        file.write(record, kept.root / "board" / stamp / "report.json")
    assert "something else" in rendered(capsys, "board")
    listed = rendered(capsys)
    assert [line.split()[2] for line in listed.splitlines()] == ["diverged", "proven"]


def no_checkout(_: Path | None = None) -> Project:
    raise InputError("no checkout", hint="")


# -- what `run` says ------------------------------------------------------------------------------------------


def parsed(line: list[str]) -> argparse.Namespace:
    args = build_parser().parse_args(line)
    args.command_line = line
    return args


def proposed(report: Report, line: list[str]) -> str:
    said = next_action(Finished(report, Path("a folder")), parsed(line))
    assert said is not None
    return said


def test_a_run_goes_on_with_the_command_that_began_it() -> None:
    """With its images and its data: another selection is another run, which --resume refuses."""
    line = ["run", "--port", "P", "--data", "my data.npz", "--limit", "300", "--gate", "equivalent"]
    again = "boardproof run --port P --data 'my data.npz' --limit 300 --gate equivalent --resume"
    assert proposed(replace(EXACT, outcome="interrupted"), line).endswith(again)
    assert proposed(replace(EXACT, outcome="interrupted"), [*line, "--resume"]).endswith(again)
    assert proposed(replace(EXACT, outcome="incomplete", next="plug it in"), line) == (
        f"plug it in; then go on where it stopped: {again}"
    )


def test_a_divergence_is_traced_with_the_data_that_showed_it() -> None:
    line = [
        "run",
        "--target",
        "T",
        "--model",
        "m.tflite",
        "--data",
        "d.csv",
        "--label-column",
        "y",
        "--resize",
    ]
    line += ["--input-range=-1:1", "--limit", "9", "--patience", "30"]
    following = proposed(silicon(), line)
    trace = (
        "boardproof trace --target T --model m.tflite --data d.csv --label-column y --patience 30.0 "
        "--input-range -1:1 --resize --report 'a folder/report.json'"
    )
    assert following.endswith(trace)
    assert proposed(replace(silicon(), outcome="diverged"), ["run", "--target", "T"]).endswith(
        "boardproof trace --target T --report 'a folder/report.json'"
    )


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (build(gates=Gates(min_accuracy=0.99)), "wanted 99.00 %"),
        (silicon(), "The run was cut short: "),
    ],
)
def test_a_quiet_run_does_not_sound_better_than_it_was(
    report: Report, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Finished(report, Path("folder")), parsed(["run", "--target", "T", "--quiet"]))
    assert words in capsys.readouterr().out
