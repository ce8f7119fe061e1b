#!/usr/bin/env python3
"""Writes PythonAPI.md from the package's signatures and documentation: `python_api.py [--check]`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import griffe
from pages import settle

ROOT = Path(__file__).resolve().parents[3]
PAGE = Path(__file__).resolve().parent.parent / "PythonAPI.md"
SOURCES = ROOT / "Clients" / "python" / "src"
HEAD = """# The Python client

Everything that `import lensd` offers, made from the code by `make reference`. [The client's README](../../Clients/python/README.md)
shows how it is used.
"""
WIDTH = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where the page is not what would be written")
    options = parser.parse_args()
    package = griffe.load("lensd", search_paths=[SOURCES])
    assert isinstance(package, griffe.Module)
    modules: dict[str, list[str]] = {"lensd": []}
    for name in exported(package):
        member = resolved(package, name)
        if isinstance(member, griffe.Module):
            modules[member.path] = [section(member[inner], member.path) for inner in exported(member)]
        elif member.name != "__version__":
            modules["lensd"].append(section(member, "lensd"))
    text = HEAD
    for path, sections in modules.items():
        text += f"\n## {path}\n\n" + "\n".join(sections)
    return settle(PAGE, text, check=options.check)


def exported(module: griffe.Module) -> list[str]:
    if module.exports is not None:
        return [str(name) for name in module.exports]
    return [name for name, member in module.members.items() if member.is_public and not member.is_alias]


def resolved(package: griffe.Module, name: str) -> griffe.Object:
    member = package[name]
    return member.final_target if isinstance(member, griffe.Alias) else member


def section(member: griffe.Object | griffe.Alias, path: str) -> str:
    if isinstance(member, griffe.Alias):
        member = member.final_target
    lines = [f"### {path}.{member.name}", ""]
    if isinstance(member, griffe.Function):
        lines += [fenced(signature(member))]
    lines += [told(member)]
    if isinstance(member, griffe.Class):
        if "__init__" in member.members or member.parameters:
            lines += [fenced(f"{member.name}{parameters(member.parameters)}")]
        lines += list(attributes(member))
        for inner in functions(member):
            lines += [fenced(signature(inner)), told(inner)]
    return "\n".join(lines).rstrip("\n") + "\n"


def functions(owner: griffe.Class) -> Iterator[griffe.Function]:
    for inner in owner.all_members.values():
        inner = inner.final_target if isinstance(inner, griffe.Alias) else inner
        if isinstance(inner, griffe.Function) and not inner.name.startswith("_") and "lensd" in inner.path:
            yield inner


def attributes(owner: griffe.Class) -> Iterator[str]:
    """A row for each public field and property."""
    rows = []
    for inner in owner.all_members.values():
        inner = inner.final_target if isinstance(inner, griffe.Alias) else inner
        if isinstance(inner, griffe.Attribute) and not inner.name.startswith("_") and inner.docstring:
            kind = f" `{inner.annotation}`" if inner.annotation else ""
            rows.append(f"| `{inner.name}`{kind.replace('|', chr(92) + '|')} | {flat(told(inner))} |")
    if rows:
        yield "\n".join(["| | |", "|---|---|", *rows, ""])


def signature(function: griffe.Function) -> str:
    # A question of both clients is written once: what it gives is its answer.
    answer = str(function.returns or "").removeprefix("Question[")
    answer = answer.removesuffix("]") if answer != str(function.returns or "") else answer
    returned = f" -> {answer}" if answer else ""
    listed = [parameter for parameter in function.parameters if parameter.name not in ("self", "cls")]
    return f"{function.name}{parameters(listed)}{returned}"


def parameters(listed: griffe.Parameters | list[griffe.Parameter]) -> str:
    words = []
    starred = False
    for parameter in listed:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is griffe.ParameterKind.var_positional:
            starred = True
        elif parameter.kind is griffe.ParameterKind.keyword_only and not starred:
            words.append("*")
            starred = True
        words.append(spelled(parameter))
    line = f"({', '.join(words)})"
    return line if len(line) <= WIDTH else "(\n    " + ",\n    ".join(words) + ",\n)"


def spelled(parameter: griffe.Parameter) -> str:
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    text = stars.get(parameter.kind, "") + parameter.name if parameter.kind else parameter.name
    if parameter.annotation is not None:
        text += f": {parameter.annotation}"
    if parameter.default is not None and not text.startswith("*"):
        text += f" = {parameter.default}" if parameter.annotation is not None else f"={parameter.default}"
    return text


def told(member: griffe.Object) -> str:
    return member.docstring.value.strip() + "\n" if member.docstring else ""


def flat(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def fenced(code: str) -> str:
    return f"```py\n{code}\n```\n"


if __name__ == "__main__":
    raise SystemExit(main())
