"""`python -m lensd.pull`: downloads a model from Hugging Face's hub; `lensctl pull` also imports it."""

from __future__ import annotations

import argparse
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lensd.architectures import ARCHITECTURES
from lensd.command_line import Parser, finish
from lensd.errors import (
    DataLoss,
    InvalidArgument,
    LensError,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
)
from lensd.extras import extra
from lensd.repositories import repository

_EPILOG = """
examples:
  python -m lensd.pull roneneldan/TinyStories-1Layer-21M
  python -m lensd.pull gpt2-small --revision main

Only what a model needs is downloaded, into huggingface_hub's cache ($HF_HOME): a broken answer is gone on from, and
after a broken pull the files that were complete are not fetched again. $HF_ENDPOINT names another hub. For gated
models log in first: hf auth login, or set $HF_TOKEN.
`lensctl pull` does the same and makes the download a model of your daemon.
"""
_CONFIGURATION = "config.json"
_TOKENIZER = ("tokenizer.json", "vocab.json", "merges.txt")
_OTHER_TOKENIZERS = ("tokenizer.model", "spiece.model", "vocab.txt")
_BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json")
# The first of these that a repository has; an index names its files.
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


@dataclass(frozen=True)
class Download:
    """A repository that is on this machine."""

    repository: str
    revision: str  # the commit's hash
    folder: str
    files: tuple[str, ...]


def download(name: str, revision: str | None = None, progress: bool = False) -> Download:
    """Downloads what lensd needs of a model, by repository or by TransformerLens's name.

    Raises `FailedPrecondition` without huggingface_hub, `NotFound` for a repository, revision or file that is not
    there, `PermissionDenied` for a gated one, `Unavailable` where the hub does not answer, `ResourceExhausted` for a
    full disk, `DataLoss` for a download that came short; before the weights are fetched, `Unimplemented` for a model
    that lensd does not run and for a tokenizer that it does not read.
    """
    repo = repository(name)
    hub = extra("huggingface_hub", "hub")
    utilities = extra("huggingface_hub.utils", "hub")
    utilities.logging.set_verbosity_error()
    if not progress:
        utilities.disable_progress_bars()
    with _hub_errors(repo, revision):
        info = hub.HfApi().model_info(repo, revision=revision, files_metadata=True)
    commit = str(info.sha)
    sizes: dict[str, int] = {each.rfilename: each.size or 0 for each in info.siblings or ()}

    def fetch(file: str) -> str:
        with _hub_errors(repo, revision):
            return str(hub.hf_hub_download(repo, file, revision=commit))

    files = _needed(sizes)
    weights = next((file for file in _WEIGHTS if file in sizes), None)
    if _CONFIGURATION not in sizes or weights is None:
        what = _CONFIGURATION if _CONFIGURATION not in sizes else f"weights ({', '.join(_WEIGHTS)})"
        raise NotFound(f"{repo} has no {what}: it is no model that lensd can load")
    _check_architecture(repo, Path(fetch(_CONFIGURATION)))
    _check_tokenizer(repo, sizes)
    if progress and not set(files) & set(_TOKENIZER):
        print(f"{repo} has no tokenizer: the model will take tokens, not text", file=sys.stderr)
    if weights.endswith(".index.json"):
        files += [weights, *_shards(Path(fetch(weights)), sizes)]
    else:
        files.append(weights)
    missing = [file for file in files if not isinstance(hub.try_to_load_from_cache(repo, file, revision=commit), str)]
    _check_disk(Path(extra("huggingface_hub.constants", "hub").HF_HUB_CACHE), sum(sizes[file] for file in missing))
    folder = ""
    for file in files:
        folder = os.path.dirname(fetch(file))
    return Download(repo, commit, folder, tuple(files))


def _needed(sizes: Mapping[str, int]) -> list[str]:
    """The small files that are there, of the tokenizer's only what is read."""
    tokenizer = ["tokenizer.json"] if "tokenizer.json" in sizes else list(_TOKENIZER)
    return [file for file in (_CONFIGURATION, *tokenizer, *_BESIDE) if file in sizes]


def _check_architecture(repo: str, configuration: Path) -> None:
    """Refuses what lensd does not run."""
    try:
        found = json.loads(configuration.read_text())["architectures"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidArgument(f"{repo}: config.json names no architecture: {error}") from error
    if not isinstance(found, list) or len(found) != 1 or found[0] not in ARCHITECTURES:
        raise Unimplemented(
            f"{repo} is of architecture {found}, which is not supported; expected one of {', '.join(ARCHITECTURES)}"
        )


def _check_tokenizer(repo: str, sizes: Mapping[str, int]) -> None:
    """Refuses a tokenizer that is there in other formats only."""
    if "tokenizer.json" in sizes or {"vocab.json", "merges.txt"} <= sizes.keys():
        return
    other = next((file for file in _OTHER_TOKENIZERS if file in sizes), None)
    if other is not None:
        raise Unimplemented(
            f"{repo} has its tokenizer as {other}, and no tokenizer.json; transformers writes one: "
            "download the repository, then AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) "
            "and lensctl models import DIR"
        )


def _shards(index: Path, sizes: Mapping[str, int]) -> list[str]:
    """The files that an index names."""
    try:
        shards = sorted({str(each) for each in json.loads(index.read_text())["weight_map"].values()})
    except (ValueError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{index.name} is no index of weights: {error}") from error
    for shard in shards:
        if shard not in sizes or "/" in shard:
            raise NotFound(f"{index.name} names {shard}, which the repository does not have")
    return shards


def _check_disk(cache: Path, needed: int) -> None:
    """Refuses what cannot fit before it is downloaded."""
    at = cache.absolute()
    while not at.exists():
        at = at.parent
    free = shutil.disk_usage(at).free
    if needed > free:
        raise ResourceExhausted(f"{_size(needed)} are needed in {cache}; {_size(free)} are free")


def _size(count: int) -> str:
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f} {unit}" if unit != "B" else f"{count} B"


@contextmanager
def _hub_errors(repo: str, revision: str | None) -> Iterator[None]:
    """Says what the hub's errors mean, whichever version of huggingface_hub raises them."""
    try:
        yield
    except Exception as error:
        raise _meaning(error, repo, revision) from error


def _meaning(error: Exception, repo: str, revision: str | None) -> LensError:
    constants, errors = extra("huggingface_hub.constants", "hub"), extra("huggingface_hub.errors", "hub")
    hub = constants.ENDPOINT
    status = getattr(getattr(error, "response", None), "status_code", None)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return ResourceExhausted(f"the disk is full: {constants.HF_HUB_CACHE}; files that are complete stay there")
        cause = cause.__cause__ or cause.__context__
    log_in = "hf auth login, or set HF_TOKEN"
    if isinstance(error, errors.GatedRepoError):
        return PermissionDenied(f"{repo} is gated: accept its terms at {hub}/{repo}, then {log_in}")
    if isinstance(error, errors.RepositoryNotFoundError):
        return NotFound(f"no repository {repo} at {hub}, or a private one: for those {log_in}")
    if isinstance(error, errors.RevisionNotFoundError):
        return NotFound(f"{repo} has no revision {revision}")
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled) or _is_of_network(error):
        return Unavailable(f"cannot reach {hub}: {_first_line(error)}")
    if isinstance(error, errors.EntryNotFoundError):
        return NotFound(f"{repo}: {_first_line(error)}")
    if isinstance(error, errors.HFValidationError):
        return InvalidArgument(f"{repo}: {_first_line(error)}")
    if status == 429:
        return ResourceExhausted(f"{hub} answers too many requests; try again later")
    if status in (401, 403):
        return PermissionDenied(f"{hub} refuses {repo}: {_first_line(error)}")
    if status is not None:
        return Unavailable(f"{hub} answered {status} for {repo}; try again later")
    if isinstance(error, PermissionError):
        return PermissionDenied(f"cannot write {constants.HF_HUB_CACHE}: {error.strerror}")
    return DataLoss(f"the download of {repo} broke off; files that are complete are kept: {_first_line(error)}")


def _is_of_network(error: Exception) -> bool:
    """Whether no answer came at all; the library below is requests or httpx, as huggingface_hub's version has it."""
    names = {each.__name__ for each in type(error).__mro__}
    return isinstance(error, ConnectionError | TimeoutError) or bool(
        names & {"ConnectError", "ConnectTimeout", "TimeoutException", "Timeout", "ConnectionError", "NetworkError"}
    )


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def main(arguments: list[str] | None = None) -> int:
    """Downloads and says where to; returns the exit status."""
    parser = Parser(
        prog="python -m lensd.pull",
        description="Download a model from Hugging Face's hub.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="OWNER/NAME, or a name of TransformerLens's such as gpt2-small")
    parser.add_argument("--revision", help="a branch, tag or commit; default: main")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options: Any = parser.parse_args(arguments)
    found = download(options.model, options.revision, progress=sys.stderr.isatty())
    print(json.dumps({"schema": 1, **asdict(found)}) if options.json else found.folder)
    return 0


if __name__ == "__main__":
    finish("lensd.pull", main)
