"""After linking (a PlatformIO extra script): build.json says what was built, for the host and the launcher."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from SCons.Script import Default, DefaultEnvironment

env = DefaultEnvironment()
sys.path.insert(0, str(Path(env.subst("$PROJECT_DIR")) / "firmware" / "scripts"))

import firmware_build  # noqa: E402


def known_before() -> dict[str, Any]:
    """What does not depend on the program."""
    board = env.BoardConfig()
    return {
        "schema": firmware_build.SCHEMA,
        "env": env.subst("$PIOENV"),
        "board": env.subst("$BOARD"),
        "engine": env.GetProjectOption("custom_engine", "aot"),
        "kernels": env["BOARDPROOF_MANIFEST"]["core"],
        "model_sha256": env["BOARDPROOF_MANIFEST"]["sha256"],
        "emulator": board.get("emulator") if "emulator" in board else None,
    }


def record(target: Any, source: Any, env: Any) -> None:
    """The action that writes build.json from the linked program."""
    elf, out = Path(str(source[0])), Path(str(target[0]))
    content = elf.read_bytes()
    # Without a pattern of its own, a platform is counted as PlatformIO counts it.
    size_command = env.get("SIZECHECKCMD") or "$SIZETOOL -B -d $SOURCES"
    words = size_command if isinstance(size_command, list) else size_command.split()
    command = [env.subst(word.replace("$SOURCES", str(elf))) for word in words]
    listing = firmware_build.output_of(command, env["ENV"])
    build = known_before() | {
        "elf": elf.name,
        "elf_sha256": hashlib.sha256(content).hexdigest(),
        "build_id": firmware_build.identity_of(
            (out.parent / firmware_build.HEADER_NAME).read_text(encoding="utf-8")
        ),
        "flash_bytes": firmware_build.loaded_bytes(content),
        "ram_bytes": firmware_build.sum_of_sizes(
            listing, env.get("SIZEDATAREGEXP", r"^\d+\s+(\d+)\s+(\d+)\s+\d+")
        ),
        "compiler": firmware_build.output_of([env.subst("$CC"), "--version"], env["ENV"]).partition("\n")[0],
    }
    out.write_text(json.dumps(build, indent=2) + "\n", encoding="utf-8")


build_json = env.Command(
    f"$BUILD_DIR/{firmware_build.RECORD_NAME}", "$PROGPATH", env.VerboseAction(record, "Recording $TARGET")
)
env.Depends(build_json, env.Value(json.dumps(known_before(), sort_keys=True)))
env.Depends("upload", build_json)
Default(build_json)
