"""Checks what a decoder without a recursion limit relies on, in the .proto files named on the command line.

No message contains itself, directly or through others; text is `bytes` (protobuf-c cuts a `string` at its first NUL
and accepts bad UTF-8).
"""

import re
import sys

SCALARS = {
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64",
    "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes",
}  # fmt: skip
TOKEN = re.compile(r"\bmessage\s+(\w+)\s*\{|\b(?:enum|service|oneof)\s+\w+\s*\{|\b(?:repeated\s+)?(\w+)\s+(\w+)\s*=\s*\d+|[{}]")


def fields_by_message(text: str) -> dict[str, list[tuple[str, str]]]:
    """Maps each message's name to its fields as (type, name); nested messages are not used in this schema."""
    text = re.sub(r"//[^\n]*", "", text)
    found: dict[str, list[tuple[str, str]]] = {}
    scopes: list[str | None] = []
    for match in TOKEN.finditer(text):
        message, field_type, field_name = match.groups()
        if message:
            if any(scopes):
                sys.exit(f"check_schema: message {message} is nested in another; declare it at the top level")
            scopes.append(message)
            found[message] = []
        elif field_type:
            owner = next((scope for scope in reversed(scopes) if scope), None)
            if owner:
                found[owner].append((field_type, field_name))
        elif match.group() == "}":
            scopes.pop()
        else:
            scopes.append(None)
    return found


def main() -> None:
    messages: dict[str, list[tuple[str, str]]] = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            messages.update(fields_by_message(file.read()))

    def visit(message: str, path: tuple[str, ...]) -> None:
        if message in path:
            sys.exit("check_schema: a message contains itself: " + " > ".join((*path, message)))
        for field_type, field_name in messages.get(message, []):
            if field_type == "string":
                sys.exit(f"check_schema: {message}.{field_name} is a string; text travels as bytes")
            if field_type not in SCALARS:
                visit(field_type, (*path, message))

    for message in messages:
        visit(message, ())


if __name__ == "__main__":
    main()
