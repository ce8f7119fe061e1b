"""What a model makes of a fixed prompt, in a form that two implementations can be compared by."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lensd.errors import InvalidArgument

# The prompt of a report unless another is given; `lensctl models verify` has the same.
PROMPT = "The quick brown fox jumps over the lazy dog. Once upon a time, there was a little girl named Lily."
# Of a prompt no more than this is run.
MOST_TOKENS = 64
TOP = 10
# Losses must agree within this; norms and log-probabilities within `_VALUE` absolute and relative.
_LOSS = 1e-5
_VALUE = 1e-4


def ids_without_tokenizer(d_vocab: int, n_ctx: int) -> list[int]:
    """The prompt of a model that has no tokenizer."""
    return [(7 * index + 3) % d_vocab for index in range(min(16, n_ctx))]


@dataclass(frozen=True)
class Token:
    """A token of the prompt."""

    token: str
    id: int


@dataclass(frozen=True)
class Prediction:
    """One of the likeliest tokens after the prompt's last."""

    token: str
    id: int
    logprob: float


@dataclass(frozen=True)
class Norm:
    """The L2 norm of an activation's rows: mean over the positions, and at the last one."""

    hook: str
    mean: float
    last: float


@dataclass(frozen=True)
class FormReport:
    """What came out of one form of a model, `raw` or `processed`."""

    form: str
    loss: float  # mean over the predictions, in nats; NaN for a single token
    top: tuple[Prediction, ...]
    norms: tuple[Norm, ...]  # blocks.0.hook_resid_pre, every hook_resid_post, unembed.hook_out (the logits)


@dataclass(frozen=True)
class ParityReport:
    """A report and where it is from."""

    model: str
    source: str  # the programs that computed it, with versions
    fingerprint: str  # SHA-256 of weights, configuration and tokenizer; empty where it is not known
    tokens: tuple[Token, ...]
    forms: tuple[FormReport, ...]

    def form(self, name: str) -> FormReport:
        """One form's part; raises `InvalidArgument` where the report has none of it."""
        for form in self.forms:
            if form.form == name:
                return form
        raise InvalidArgument(f"the report has no form '{name}'; it has {', '.join(each.form for each in self.forms)}")

    def json(self) -> str:
        """The report in one line, as `lensctl models verify --json` writes it."""
        members = {"schema": 1, **asdict(self)}
        for form in members["forms"]:
            form["loss"] = None if math.isnan(form["loss"]) else form["loss"]
        return json.dumps(members, ensure_ascii=False, allow_nan=False)

    @classmethod
    def parse(cls, text: str) -> ParityReport:
        """Reads what `json` or lensctl wrote; raises `InvalidArgument` for anything else."""
        try:
            members = json.loads(text)
            return cls(
                str(members["model"]),
                str(members["source"]),
                str(members["fingerprint"]),
                tuple(Token(str(each["token"]), int(each["id"])) for each in members["tokens"]),
                tuple(_form(each) for each in members["forms"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidArgument("expected a report, as `lensctl models verify NAME --json` writes it") from error

    def lines(self) -> Iterator[str]:
        """The report for people."""
        yield f"model        {self.model}"
        yield f"by           {self.source}"
        yield f"fingerprint  {self.fingerprint or 'not known'}"
        yield f"tokens       {len(self.tokens)}: {' '.join(repr(each.token) for each in self.tokens)}"
        for form in self.forms:
            yield ""
            yield f"{form.form}  loss {form.loss:.6f}"
            yield from _table(
                ("next", "id", "token", "logprob"),
                [
                    (str(rank), str(each.id), repr(each.token), f"{each.logprob:.5f}")
                    for rank, each in enumerate(form.top, 1)
                ],
                left={2},
            )
            yield from _table(
                ("L2 norm", "mean", "last"),
                [(each.hook, f"{each.mean:.5f}", f"{each.last:.5f}") for each in form.norms],
                left={0},
            )


def differences(report: ParityReport, reference: ParityReport, form: str = "raw") -> list[str]:
    """What differs beyond the tolerances between two reports of the same prompt, one line each."""
    found: list[str] = []
    if report.fingerprint and reference.fingerprint and report.fingerprint != reference.fingerprint:
        found.append(f"fingerprint: {report.fingerprint[:16]}…, reference {reference.fingerprint[:16]}…")
    ids, expected = [each.id for each in report.tokens], [each.id for each in reference.tokens]
    if ids != expected:
        at = next((index for index, pair in enumerate(zip(ids, expected, strict=False)) if pair[0] != pair[1]), None)
        where = f"{len(ids)} of them, reference {len(expected)}" if at is None else f"first at position {at}"
        return [*found, f"tokens: {where}; nothing else can be compared"]
    ours, theirs = report.form(form), reference.form(form)
    if not _agree(ours.loss, theirs.loss, _LOSS):
        found.append(f"loss: {ours.loss:.7f}, reference {theirs.loss:.7f}")
    # Near ties may change places, so each rank's value is compared and each token's own.
    by_id = {each.id: each.logprob for each in theirs.top}
    for rank, (mine, other) in enumerate(zip(ours.top, theirs.top, strict=False), 1):
        if not _agree(mine.logprob, other.logprob, _VALUE):
            found.append(f"next token {rank}: log-probability {mine.logprob:.6f}, reference {other.logprob:.6f}")
        elif not _agree(mine.logprob, by_id.get(mine.id, other.logprob), _VALUE):
            found.append(f"token {mine.id}: log-probability {mine.logprob:.6f}, reference {by_id[mine.id]:.6f}")
    norms = {each.hook: each for each in theirs.norms}
    for norm in ours.norms:
        other_norm = norms.pop(norm.hook, None)
        if other_norm is None:
            found.append(f"{norm.hook}: not in the reference")
            continue
        for what, mine_value, value in (("mean", norm.mean, other_norm.mean), ("last", norm.last, other_norm.last)):
            if not _agree(mine_value, value, _VALUE):
                found.append(f"{norm.hook}: {what} norm {mine_value:.6f}, reference {value:.6f}")
    return found + [f"{hook}: only in the reference" for hook in norms]


def _agree(value: float, expected: float, tolerance: float) -> bool:
    if math.isnan(value) or math.isnan(expected):
        return math.isnan(value) and math.isnan(expected)
    return abs(value - expected) <= tolerance + tolerance * abs(expected)


def _form(members: Any) -> FormReport:
    return FormReport(
        str(members["form"]),
        math.nan if members["loss"] is None else float(members["loss"]),
        tuple(Prediction(str(each["token"]), int(each["id"]), float(each["logprob"])) for each in members["top"]),
        tuple(Norm(str(each["hook"]), float(each["mean"]), float(each["last"])) for each in members["norms"]),
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], left: set[int]) -> Iterator[str]:
    """Columns two spaces apart; those in `left` are aligned left."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
