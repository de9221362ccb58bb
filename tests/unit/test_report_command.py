"""`boardproof report`: prints and writes each rendering, refuses what it cannot use, finds the newest."""

from pathlib import Path

import pytest

from boardproof_export.shared import project
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.project import Project
from boardproof_host.commands import report as report_command
from boardproof_host.commands.main import main
from boardproof_host.record import file
from boardproof_host.record.store import Store
from boardproof_host.report import render_html, render_junit, render_markdown
from records import build, silicon

RECORDS = {"exact": build(), "diverged": silicon()}
RENDERERS = {"markdown": render_markdown, "junit": render_junit, "html": render_html}


def rendered(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["report", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("fmt", report_command.FORMATS)
def test_report_command_prints_and_writes(
    fmt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file.write(RECORDS["exact"], tmp_path / "report.json")
    out = tmp_path / "rendered"
    assert rendered(capsys, str(path), "--format", fmt, "--out", str(out)) == ""
    printed, written = rendered(capsys, str(tmp_path), "--format", fmt), out.read_text(encoding="utf-8")
    if fmt == "terminal":
        assert "0 of 18 outputs" in printed and "0 of 18 outputs" in written
        assert "\x1b" not in written
    elif fmt == "json":
        assert printed == written == file.to_json(RECORDS["exact"])
    else:
        assert printed == written == RENDERERS[fmt](RECORDS["exact"])


def test_report_command_refuses_what_it_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(file.write(RECORDS["exact"], tmp_path / "report.json"))
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
    for stamp, record in (("1", RECORDS["exact"]), ("2", RECORDS["diverged"])):
        file.write(record, kept.root / "board" / stamp / "report.json")
    assert "something else" in rendered(capsys, "board")
    listed = rendered(capsys)
    assert [line.split()[2] for line in listed.splitlines()] == ["diverged", "proven"]


def no_checkout(_: Path | None = None) -> Project:
    raise InputError("no checkout", hint="")
