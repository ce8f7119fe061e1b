#!/usr/bin/env python3
"""Holds the `import` lines of every target against the dependencies that Package.swift declares for it.

SwiftPM lets a target import what only its dependencies declare; this check does not, and it also finds
dependencies that nothing imports.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = {"Foundation", "FoundationEssentials", "Glibc", "PackageDescription", "Synchronization", "Testing", "Dispatch"}
IMPORT = re.compile(
    r"^(?:(?:@\w+|public|package|internal|private)[ \t]+)*import[ \t]+"
    r"(?:(?:class|enum|func|let|protocol|struct|typealias|var)[ \t]+)?(\w+)",
    re.MULTILINE,
)


def main() -> int:
    """Prints each difference and returns how many there are, at most 1."""
    text = subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    problems = []
    for target in json.loads(text)["targets"]:
        if target["type"] == "system":
            continue
        name = target["name"]
        declared = {next(iter(entry.values()))[0] for entry in target["dependencies"]}
        folder = "Tests" if target["type"] == "test" else "Sources"
        sources = list((ROOT / (target.get("path") or f"{folder}/{name}")).rglob("*.swift"))
        if not sources:  # C: its headers name what they need.
            continue
        imported = {module for source in sources for module in IMPORT.findall(source.read_text())} - SYSTEM
        problems += [f"{name} imports {module}, but does not declare it" for module in sorted(imported - declared)]
        problems += [f"{name} declares {module}, but does not import it" for module in sorted(declared - imported)]
    for problem in problems:
        print(f"Package.swift: {problem}", file=sys.stderr)
    return min(len(problems), 1)


if __name__ == "__main__":
    sys.exit(main())
