#!/usr/bin/env python3
"""manual.py VERSION < DUMP: a manual page from what `lensctl --experimental-dump-help` says of itself."""

import json
import re
import sys
from typing import Any

Command = dict[str, Any]

FILES = {
    "lensd": """.SH FILES
.TP
.I /etc/lensd/lensd.toml
The configuration of the machine's daemon.
.TP
.I /var/lib/lensd
Its sessions and models.
.TP
.I /run/lensd/lensd.sock
Its socket; the members of the group lensd may connect.
.SH SIGNALS
SIGTERM lets calls in flight finish and ends; SIGHUP reads the configuration again.
""",
}
OTHER = {"lensd": "lensctl", "lensctl": "lensd"}


def escaped(text: str) -> str:
    """Text that roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def paragraphs(text: str) -> str:
    """Lines that are indented or stand under a heading such as `Examples:` keep their breaks."""
    blocks = []
    for block in text.strip().split("\n\n"):
        kept = "\n " in block
        blocks.append(f".nf\n{escaped(block)}\n.fi\n" if kept else f"{escaped(block)}\n")
    return ".PP\n" + ".PP\n".join(blocks)


def argument(value: Command) -> str:
    """One option, flag or operand, and what it is."""
    name = value.get("valueName", "")
    if value["kind"] == "positional":
        term = f"\\fI{escaped(name)}\\fR"
    else:
        dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
        names = (f"\\fB{escaped(dashes[each['kind']] + each['name'])}\\fR" for each in value["names"])
        term = ", ".join(names) + (f" \\fI{escaped(name)}\\fR" if value["kind"] == "option" else "")
    default = f" Default: {value['defaultValue']}." if value.get("defaultValue") else ""
    return f".TP\n{term}\n{escaped(value.get('abstract', '') + default)}\n"


def own_arguments(command: Command) -> list[Command]:
    """The arguments that are not the same everywhere."""
    return [
        each
        for each in command.get("arguments", [])
        if each["shouldDisplay"] and each.get("sectionTitle") != "Everywhere" and each["valueName"] not in ("help", "version")
    ]


def subcommands(command: Command, above: str = "") -> str:
    """A section of each command below this one, with those below it."""
    text = ""
    for each in command.get("subcommands", []):
        if not each["shouldDisplay"] or each["commandName"] == "help":
            continue
        name = f"{above} {each['commandName']}".strip()
        text += f".SS {escaped(name)}\n{escaped(each.get('abstract', ''))}\n"
        if each.get("discussion"):
            text += paragraphs(each["discussion"])
        text += "".join(map(argument, own_arguments(each))) + subcommands(each, name)
    return text


def page(command: Command, version: str) -> str:
    """The whole page."""
    name = command["commandName"]
    abstract = command["abstract"].rstrip(".")
    everywhere = [each for each in command["arguments"] if each not in own_arguments(command) and each["shouldDisplay"]]
    operand = " \\fICOMMAND\\fR" if command.get("subcommands") else ""
    text = f'.TH {name.upper()} 1 "" "lensd {version}" "lensd"\n'
    text += f".SH NAME\n{name} \\- {escaped(abstract[0].lower() + abstract[1:])}\n"
    text += f".SH SYNOPSIS\n\\fB{name}\\fR [\\fIOPTION\\fR]...{operand}\n"
    if command.get("discussion"):
        text += ".SH DESCRIPTION\n" + paragraphs(command["discussion"])
    text += ".SH OPTIONS\n" + "".join(map(argument, own_arguments(command) + everywhere))
    if commands := subcommands(command):
        text += ".SH COMMANDS\n" + commands
    return text + FILES.get(name, "") + f".SH SEE ALSO\n.BR {OTHER[name]} (1)\n"


if __name__ == "__main__":
    sys.stdout.write(page(json.load(sys.stdin)["command"], sys.argv[1]))
