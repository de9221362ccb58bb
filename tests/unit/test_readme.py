"""The README's commands are those that CI runs, and those that the command line has."""

import re
import subprocess
import sys

from support.host_c import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    commands = blocks()[0].split("\n")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").split("\n")
    assert [line for line in commands if line] == ["make prove", "make test"]
    assert all(command in ci for command in commands if command)
    assert "make lint" in ci


def test_every_command_of_the_readme_exists() -> None:
    table = README.split("| command | what it does |")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`.*?`) \|", table, flags=re.MULTILINE)
    shown = {name for cell in cells for name in re.findall(r"`([a-z]+)", cell)}
    help_text = subprocess.run(
        [sys.executable, "-m", "boardproof_host", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = set(re.findall(r"^    ([a-z]+) ", help_text, flags=re.MULTILINE))
    assert shown == commands


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "models" / "README.md"]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_no_placeholder_is_left() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        assert "@@" not in page.read_text(encoding="utf-8"), page.name
