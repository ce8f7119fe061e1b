"""A build hook: with `$LENSD_PREFIX`, an installed lensd, the wheel carries its programs and the embedded model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarriedPrograms(BuildHookInterface):  # type: ignore[type-arg]
    """Puts `bin` and `share` where they stand below an environment's own prefix, so that lensd finds its model."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Without the variable, or in an editable installation, the wheel is Python alone."""
        prefix = os.environ.get("LENSD_PREFIX")
        if not prefix or version == "editable":
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{os.environ['LENSD_PLATFORM']}"
        for path in sorted(Path(prefix).rglob("*")):
            if not path.is_file():
                continue
            name = path.relative_to(prefix)
            kind = "shared_scripts" if name.parts[0] == "bin" else "shared_data"
            build_data[kind][str(path)] = name.name if kind == "shared_scripts" else str(name)
