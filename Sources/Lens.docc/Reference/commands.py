#!/usr/bin/env python3
"""Writes Commands.md from what lensctl and lensd say of themselves: `commands.py --programs FOLDER [--check]`."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pages import settle

PAGE = Path(__file__).resolve().parent.parent / "Commands.md"
HEAD = """# Commands

Every command, option and example of `lensctl` and `lensd`, made from the programs' own help by `make reference`.

Every command of lensctl also takes {everywhere}.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="the folder that lensctl and lensd lie in")
    parser.add_argument("--check", action="store_true", help="fail where the page is not what would be written")
    options = parser.parse_args()
    client, daemon = (command_of(options.programs / name) for name in ("lensctl", "lensd"))
    everywhere = ", ".join(f"`{spelled(argument)}`" for argument in shown(client) if argument.get("sectionTitle"))
    text = HEAD.format(everywhere=everywhere)
    text += "".join(section(command) for command in leaves(client)) + section(daemon)
    return settle(PAGE, text, check=options.check)


def command_of(program: Path) -> dict[str, Any]:
    said = subprocess.run([program, "--experimental-dump-help"], capture_output=True, check=True)
    command: dict[str, Any] = json.loads(said.stdout)["command"]
    return command


def leaves(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The commands that do something, in the order of the help."""
    for inner in command.get("subcommands", []):
        if inner["commandName"] == "help" or not inner["shouldDisplay"]:
            continue
        if inner.get("subcommands"):
            yield from leaves(inner)
        else:
            yield inner


def section(command: dict[str, Any]) -> str:
    words = [*command.get("superCommands", []), command["commandName"]]
    arguments = [argument for argument in shown(command) if argument.get("sectionTitle") != "Everywhere"]
    positional = [spelled(argument) for argument in arguments if argument["kind"] == "positional"]
    usage = " ".join([*words, *positional, *(["[OPTION …]"] if len(arguments) > len(positional) else [])])
    told, _, examples = command.get("discussion", "").strip("\n").partition("Examples:\n")
    parts = [f"## {' '.join(words)}", command.get("abstract", ""), f"```\n{usage}\n```", literal(told.strip("\n"))]
    if arguments:
        parts.append("| | |\n|---|---|\n" + "\n".join(row(argument) for argument in arguments))
    if examples:
        parts.append(f"```sh\n{dedented(examples)}\n```")
    return "\n" + "\n\n".join(part for part in parts if part) + "\n"


def shown(command: dict[str, Any]) -> list[dict[str, Any]]:
    hidden = ("help", "version", "experimental-dump-help")
    return [
        argument
        for argument in command.get("arguments", [])
        if argument["shouldDisplay"] and argument.get("valueName") not in hidden
    ]


def spelled(argument: dict[str, Any]) -> str:
    """As the usage line of the help has it."""
    value = f"<{argument.get('valueName', '')}>"
    if argument["kind"] == "positional":
        return f"[{value}]" if argument["isOptional"] else value
    names = argument["names"]
    dashed = ", ".join(("-" if name["kind"] == "short" else "--") + name["name"] for name in names)
    return dashed if argument["kind"] == "flag" else f"{dashed} {value}"


def row(argument: dict[str, Any]) -> str:
    told = argument.get("abstract", "")
    if values := argument.get("allValues"):
        told += " One of " + ", ".join(f"`{value}`" for value in values) + "."
    if (default := argument.get("defaultValue")) is not None:
        told += f" Default: `{default}`."
    return f"| `{spelled(argument)}` | {told.strip().replace('|', chr(92) + '|').replace(chr(10), ' ')} |"


def literal(text: str) -> str:
    """Prose stays prose; what is set off by spaces stays as it is."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        f"```\n{paragraph}\n```" if re.search(r"^ {2,}\S", paragraph, re.MULTILINE) else paragraph
        for paragraph in paragraphs
    )


def dedented(text: str) -> str:
    return "\n".join(line.removeprefix("  ") for line in text.strip("\n").splitlines())


if __name__ == "__main__":
    raise SystemExit(main())
