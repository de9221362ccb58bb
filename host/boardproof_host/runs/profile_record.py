"""The record of a profile, schema "boardproof.profile/1"."""

import json
from dataclasses import asdict, dataclass

from boardproof_host.record.schema import Profile, Target

SCHEMA = "boardproof.profile/1"


@dataclass(frozen=True)
class ProfileRecord:
    """What an inference of a model costs on a board, operator by operator."""

    model: str  # the file's name
    model_sha256: str
    target: Target
    data: str  # what the images are of
    profile: Profile
    schema: str = SCHEMA

    def to_json(self) -> str:
        """The record as JSON text, the schema first."""
        return json.dumps({"schema": self.schema} | asdict(self), indent=2, allow_nan=False) + "\n"
