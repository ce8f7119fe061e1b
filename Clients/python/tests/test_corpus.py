"""Analyses of many prompts: what is read, what is written, and what an interruption leaves."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Daemon

import lensd
from lensd import corpus
from lensd.corpus.outputs import RowFile

WORDS = ["Tom", "saw", "Lily", "ball", "red", "the"]
# Long enough for an interruption to come in the middle.
PROMPTS = [" ".join(WORDS[at % 6 :] + WORDS[: at % 5]) for at in range(40)]

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def written(path: Path, lines: list[str]) -> Path:
    path.write_bytes("\n".join(lines).encode())
    return path


def length(model: lensd.Model, prompt: corpus.Prompt) -> Iterator[dict[str, Any]]:
    yield {"tokens": len(model.run(prompt.input, top=0).tokens[0]), "process": os.getpid()}


def dies_once(model: lensd.Model, prompt: corpus.Prompt) -> Iterator[dict[str, Any]]:
    mark = Path(str(prompt.fields["mark"]))
    if prompt.index == 7 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield {"loss": float(model(prompt.input, return_type="loss"))}


def refuses(model: lensd.Model, prompt: corpus.Prompt) -> Iterator[dict[str, Any]]:
    if prompt.index == 3:
        raise ValueError("not this one")
    yield {"x": 1}


# Reading.


def test_lines_of_text(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", ["Tom", "", "  \t", " Lily\r", "the end"])
    assert [(prompt.index, prompt.input) for prompt in corpus.read(path)] == [(0, "Tom"), (1, " Lily"), (2, "the end")]


def test_lines_of_objects(tmp_path: Path) -> None:
    lines = ['{"text": "Tom", "label": 3, "more": [1, 2]}', "", '{"text": ""}', '{"tokens": [5, 7], "label": null}']
    found = list(corpus.read(written(tmp_path / "a.jsonl", lines)))
    assert [prompt.input for prompt in found] == ["Tom", [5, 7]]
    assert [dict(prompt.fields) for prompt in found] == [{"label": 3, "more": [1, 2]}, {"label": None}]
    assert [prompt.index for prompt in found] == [0, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"Tom"', "line 2 .* must be a JSON object"),
        ("{", "line 2 .* must be a JSON object"),
        ('{"label": 1}', "line 2 .* a text or tokens"),
        ('{"text": "a", "tokens": [1]}', "one of them"),
        ('{"text": 5}', "must be a string; received 5"),
        ('{"tokens": "ab"}', "token ids"),
        ('{"tokens": [1.5]}', "token ids"),
        ('{"tokens": 7}', "token ids"),
    ],
)
def test_what_is_no_prompt_is_said(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path / "a.jsonl", ['{"text": "Tom"}', line])
    with pytest.raises(lensd.InvalidArgument, match=message):
        list(corpus.read(path))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"Tom\n\xff\xfe\n")
    with pytest.raises(lensd.InvalidArgument, match=r"line 2 of .* must be UTF-8"):
        list(corpus.read(path))
    with pytest.raises(lensd.InvalidArgument, match=r"cannot read .*nothing"):
        list(corpus.read(tmp_path / "nothing.txt"))


def test_a_long_corpus_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        for at in range(20_000):
            file.write(json.dumps({"text": "word " * 50, "at": at}) + "\n")
    assert path.stat().st_size > 5 << 20
    tracemalloc.start()
    try:
        assert sum(1 for _ in corpus.read(path)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


# Rows.


def test_rows_are_those_of_single_calls(model: lensd.Model) -> None:
    given = [{"text": PROMPTS[0], "label": "a"}, {"tokens": [0, 5, 9], "label": "b"}]
    rows = list(corpus.rows(model, given, corpus.Ablation()))
    assert len(rows) == 2 * 16
    sweep = model.ablate_heads([0, 5, 9])
    for row in rows[16:]:
        assert (row["prompt"], row["label"]) == (1, "b")
        assert row["delta"] == sweep.delta[row["layer"], row["head"]]
        assert row["baseline"] == float(sweep.baseline)
    losses = list(corpus.rows(model, PROMPTS[:3], corpus.Losses()))
    assert [row["loss"] for row in losses] == pytest.approx(
        [float(model(text, return_type="loss")) for text in PROMPTS[:3]], abs=1e-5
    )
    tokens = list(corpus.rows(model, PROMPTS[:1], corpus.TokenLosses()))
    np.testing.assert_allclose(
        [row["loss"] for row in tokens], model(PROMPTS[0], return_type="loss", loss_per_token=True)[0], atol=1e-5
    )
    scores = list(corpus.rows(model, PROMPTS[:1], corpus.HeadScores()))
    kinds = model.head_scores(PROMPTS[0]).kinds[0]
    assert [row["kinds"] for row in scores] == [", ".join(map(str, each)) for each in kinds]
    assert [row["to_first"] for row in scores] == model.head_scores(PROMPTS[0]).to_first.ravel().tolist()
    metrics = [lensd.metrics.loss(), lensd.metrics.kl()]
    layers = list(corpus.rows(model, PROMPTS[:1], corpus.Sweep(lensd.zero("mlp_out"), "layer", metrics)))
    assert layers[0]["kl"] == float(model.sweep(PROMPTS[0], lensd.zero("mlp_out"), metrics=metrics)["kl"].value[0])


@pytest.mark.parametrize("chunk", [1, 3])
def test_an_executor_gives_the_same_rows_in_order(model: lensd.Model, chunk: int) -> None:
    serial = list(corpus.rows(model, PROMPTS, corpus.Losses()))
    with ThreadPoolExecutor(4) as pool:
        parallel = list(corpus.rows(model, PROMPTS, corpus.Losses(), executor=pool, chunk=chunk))
    assert [row["prompt"] for row in parallel] == list(range(len(PROMPTS)))
    for one, other in zip(serial, parallel, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-5)


def test_processes_connect_by_themselves(model: lensd.Model) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        rows = list(corpus.rows(model, PROMPTS, length, executor=pool))
    assert os.getpid() not in {row["process"] for row in rows}
    assert [row["tokens"] for row in rows] == [len(model.to_tokens(text)[0]) for text in PROMPTS]


def test_a_client_looks_for_its_daemon_where_it_arrives(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSD_SOCKET", daemon.socket)
    with lensd.connect() as client, ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        model = client.model("tiny")
        monkeypatch.setenv("LENSD_SOCKET", daemon.socket + "-not-there")
        # The worker has this process's environment of now, and no daemon there.
        with pytest.raises(lensd.Unavailable, match="not-there"):
            list(corpus.rows(model, PROMPTS[:1], length, executor=pool, retries=0))


class Counting(Executor):
    """Carries out what it is given when it is asked to, and counts."""

    def __init__(self) -> None:
        self.most = self.waiting = 0
        self.lose: set[int] = set()
        self.given = 0

    def submit(self, function: Any, /, *arguments: Any, **more: Any) -> Future[Any]:
        executor, number = self, self.given
        self.given += 1
        self.waiting += 1
        self.most = max(self.most, self.waiting)

        class Later(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                executor.waiting -= 1
                if number in executor.lose:
                    raise ConnectionError("lost")
                return function(*arguments, **more)

        return Later()


def test_a_bounded_number_is_under_way(model: lensd.Model) -> None:
    pool = Counting()
    taken = corpus.rows(model, PROMPTS, corpus.Losses(), executor=pool, in_flight=5)
    next(taken)
    assert pool.given == 5
    assert len(list(taken)) == len(PROMPTS) - 1
    assert pool.most == 5


def test_lost_work_is_given_out_again(model: lensd.Model) -> None:
    pool = Counting()
    pool.lose = {0, 4, 5}
    rows = list(corpus.rows(model, PROMPTS[:8], corpus.Losses(), executor=pool, in_flight=3))
    assert [row["prompt"] for row in rows] == list(range(8))
    assert pool.given == 8 + 3
    pool = Counting()
    pool.lose = set(range(100))
    with pytest.raises(lensd.Unavailable, match="lost 4 times; the last time: ConnectionError"):
        list(corpus.rows(model, PROMPTS[:8], corpus.Losses(), executor=pool))


def test_a_pool_that_breaks_is_made_again(model: lensd.Model, tmp_path: Path) -> None:
    given = [{"text": text, "mark": str(tmp_path / "mark")} for text in PROMPTS[:20]]
    made = []

    def pool() -> Executor:
        made.append(ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")))
        return made[-1]

    rows = list(corpus.rows(model, given, dies_once, executor=pool))
    assert len(made) == 2
    assert [row["prompt"] for row in rows] == list(range(20))
    assert rows[7]["loss"] == pytest.approx(float(model(PROMPTS[7], return_type="loss")), abs=1e-5)
    (tmp_path / "mark").unlink()
    with pool() as single, pytest.raises(lensd.Unavailable, match="a function that makes one"):
        list(corpus.rows(model, given, dies_once, executor=single))


@pytest.mark.parametrize("executor", [None, lambda: ThreadPoolExecutor(2)])
def test_what_an_analysis_raises_is_raised(model: lensd.Model, executor: Any) -> None:
    with pytest.raises(ValueError, match="not this one"):
        list(corpus.rows(model, PROMPTS[:5], refuses, executor=executor))


def test_a_prompt_that_cannot_be_run(model: lensd.Model) -> None:
    given = ["Tom", [10**6], "Lily"]
    with pytest.raises(lensd.InvalidArgument, match=r"prompt 1: .*1000000"):
        list(corpus.rows(model, given, corpus.Losses()))
    rows = list(corpus.rows(model, given, corpus.Losses(), keep_errors=True))
    assert [row["prompt"] for row in rows] == [0, 1, 2]
    assert "1000000" in rows[1]["error"]


def test_rows_of_errors_in_a_file(model: lensd.Model, tmp_path: Path) -> None:
    given = ["Tom", [10**6], "Lily"]
    done = corpus.write(model, given, corpus.Losses(), tmp_path / "out.jsonl", keep_errors=True)
    assert (done.prompts, done.rows) == (3, 3)
    assert "1000000" in contents(tmp_path / "out.jsonl")[1]["error"]
    with pytest.raises(lensd.InvalidArgument, match="rows of errors"):
        corpus.write(model, given, corpus.Losses(), tmp_path / "out.csv", keep_errors=True)


def test_two_meanings_of_a_column(model: lensd.Model) -> None:
    with pytest.raises(lensd.InvalidArgument, match="field 'prompt'"):
        list(corpus.rows(model, [{"text": "Tom", "prompt": 3}], corpus.Losses()))
    with pytest.raises(lensd.InvalidArgument, match="'loss'"):
        list(corpus.rows(model, [{"text": "Tom", "loss": 3}], corpus.Losses()))


# Files.


def contents(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    parquet = pytest.importorskip("pyarrow.parquet")
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


@pytest.fixture(params=[".jsonl", ".csv", ".parquet"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == ".parquet":
        pytest.importorskip("pyarrow")
    return tmp_path / f"out{request.param}"


def test_a_file_has_every_row(model: lensd.Model, out: Path) -> None:
    given = [{"text": text, "label": f'a,"b"\n{at}'} for at, text in enumerate(PROMPTS[:5])]
    done = corpus.write(model, given, corpus.Ablation(), out)
    assert done == corpus.Written(out, 5, 80, 0)
    found = contents(out)
    expected = list(corpus.rows(model, given, corpus.Ablation()))
    assert len(found) == len(expected)
    assert list(found[0]) == list(expected[0])
    for row, wanted in zip(found, expected, strict=True):
        assert float(row["delta"]) == wanted["delta"]
        assert row["label"] == wanted["label"]
        assert int(row["head"]) == wanted["head"]
    # Done is done.
    before = out.stat()
    assert corpus.write(model, given, corpus.Ablation(), out) == corpus.Written(out, 5, 80, 5)
    assert out.stat().st_mtime_ns == before.st_mtime_ns
    assert sorted(each.name for each in out.parent.iterdir()) == [out.name, out.name + ".journal"]


class Interrupted(BaseException):
    pass


def interrupted_after(count: int) -> corpus.Analysis:
    """`Losses` under its own name, which stops in the middle as Ctrl-C does."""

    class Stopping(corpus.Losses):
        def __call__(self, model: lensd.Model, prompt: corpus.Prompt) -> Any:
            if prompt.index == count:
                raise Interrupted
            return super().__call__(model, prompt)

    Stopping.__qualname__ = corpus.Losses.__qualname__
    return Stopping()


@pytest.mark.parametrize("torn", [b"", b'{"prompt": 12, "tok', b"12,3,"])
def test_an_interrupted_file_goes_on(model: lensd.Model, out: Path, tmp_path: Path, torn: bytes) -> None:
    given = [{"text": text, "at": at} for at, text in enumerate(PROMPTS)]
    whole = out.with_name("whole" + out.suffix)
    corpus.write(model, given, corpus.Losses(), whole)
    with pytest.raises(Interrupted):
        corpus.write(model, given, interrupted_after(12), out)
    stream = out if out.suffix != ".parquet" else out.with_name(out.name + ".rows")
    with stream.open("ab") as file:
        file.write(torn)
    with out.with_name(out.name + ".journal").open("ab") as file:
        file.write(torn[:5])
    done = corpus.write(model, given, corpus.Losses(), out)
    assert done == corpus.Written(out, 40, 40, 12)
    assert contents(out) == contents(whole)
    if out.suffix != ".parquet":
        assert out.read_bytes() == whole.read_bytes()


def test_what_a_file_was_begun_from(model: lensd.Model, client: lensd.Client, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with pytest.raises(Interrupted):
        corpus.write(model, PROMPTS, interrupted_after(3), out)
    others: list[tuple[str, Callable[[], object]]] = [
        ("prompts", lambda: corpus.write(model, PROMPTS[:20], corpus.Losses(), out)),
        ("analysis", lambda: corpus.write(model, PROMPTS, corpus.Ablation(), out)),
        ("model", lambda: corpus.write(client.model("local"), PROMPTS, corpus.Losses(), out)),
    ]
    for what, call in others:
        with pytest.raises(
            lensd.FailedPrecondition, match=f"begun with another {what}.*resume=False .--restart. begins"
        ):
            call()
    assert corpus.write(model, PROMPTS[:4], corpus.Losses(), out, resume=False).resumed == 0
    assert len(contents(out)) == 4
    # What has no rows yet was begun from nothing.
    with pytest.raises(Interrupted):
        corpus.write(model, PROMPTS, interrupted_after(0), out, resume=False)
    assert corpus.write(model, PROMPTS[:2], corpus.TokenLosses(), out).prompts == 2
    journal = out.with_name(out.name + ".journal")
    for foreign in (b"of mine\n", b"[]\n", b'{"model": 1}\n{"rows": 2, "columns": 3}\nand'):
        journal.write_bytes(foreign)
        with pytest.raises(lensd.FailedPrecondition, match="no journal of rows"):
            corpus.write(model, PROMPTS, corpus.Losses(), out)
        assert journal.read_bytes() == foreign
    other = tmp_path / "other.jsonl"
    other.write_text("mine\n")
    with pytest.raises(lensd.AlreadyExists, match="no journal"):
        corpus.write(model, PROMPTS, corpus.Losses(), other)
    assert other.read_text() == "mine\n"
    with pytest.raises(lensd.InvalidArgument, match=r"\.jsonl, \.csv or \.parquet"):
        corpus.write(model, PROMPTS, corpus.Losses(), tmp_path / "out.txt")
    with pytest.raises(lensd.InvalidArgument, match="iterator"):
        corpus.write(model, iter(PROMPTS), corpus.Losses(), tmp_path / "new.jsonl")
    assert not (tmp_path / "new.jsonl").exists()


def test_where_nothing_can_be_written(model: lensd.Model, tmp_path: Path) -> None:
    with pytest.raises(lensd.InvalidArgument, match=r"cannot write .*No such file"):
        corpus.write(model, PROMPTS, corpus.Losses(), tmp_path / "nowhere" / "out.csv")
    with pytest.raises(lensd.ResourceExhausted, match=r"cannot write .*out\.csv.*No space left"):
        _fill(RowFile(tmp_path / "out.csv", 0))


def _fill(rows: RowFile) -> None:
    """Adds a row where no disk has a place for it."""
    with rows:
        rows.file.close()
        rows.file = Path("/dev/full").open("r+b")  # noqa: SIM115
        rows.add([{"x": 1}])


def test_one_writer_at_a_time(model: lensd.Model, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    begun, go = threading.Event(), threading.Event()

    def slow(model: lensd.Model, prompt: corpus.Prompt) -> list[dict[str, Any]]:
        begun.set()
        go.wait(30)
        return [{"x": 1}]

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(corpus.write, model, PROMPTS[:2], slow, out)
        assert begun.wait(30)
        with pytest.raises(lensd.Aborted, match="another process"):
            corpus.write(model, PROMPTS[:2], slow, out)
        go.set()
        assert first.result(30).rows == 2


def test_values_that_json_has_not(model: lensd.Model, out: Path) -> None:
    def bad(model: lensd.Model, prompt: corpus.Prompt) -> list[dict[str, Any]]:
        return [{"bad": object()}]

    def odd(model: lensd.Model, prompt: corpus.Prompt) -> list[dict[str, Any]]:
        values = {
            "nan": float("nan"),
            "inf": np.float32("inf"),
            "number": np.int64(7),
            "list": np.arange(2),
            "yes": True,
        }
        return [values, values]

    corpus.write(model, ["Tom"], odd, out)
    row = contents(out)[1]
    assert [row["nan"], row["inf"]] == (["", ""] if out.suffix == ".csv" else [None, None])
    assert [int(row["number"]), str(row["list"])] == [7, "[0, 1]"]
    assert row["yes"] in (True, "true")
    with pytest.raises(lensd.InvalidArgument, match="bad=<object"):
        corpus.write(model, ["Tom"], bad, out, resume=False)


def test_columns_that_come_late(model: lensd.Model, tmp_path: Path) -> None:
    def late(model: lensd.Model, prompt: corpus.Prompt) -> list[dict[str, Any]]:
        return [{"a": 1}] if prompt.index == 0 else [{"a": 2.5, "b": "x"}]

    with pytest.raises(lensd.InvalidArgument, match="received one with b"):
        corpus.write(model, PROMPTS[:2], late, tmp_path / "out.csv")
    pytest.importorskip("pyarrow")
    corpus.write(model, PROMPTS[:2], late, tmp_path / "out.parquet")
    assert contents(tmp_path / "out.parquet") == [{"prompt": 0, "a": 1, "b": None}, {"prompt": 1, "a": 2.5, "b": "x"}]


def test_parquet_says_what_it_was_made_from(model: lensd.Model, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    corpus.write(model, PROMPTS[:2], corpus.Ablation("mean"), tmp_path / "out.parquet")
    said = json.loads(parquet.read_schema(tmp_path / "out.parquet").metadata[b"lensd"])
    assert said["fingerprint"] == model.fingerprint
    assert said["analysis"].startswith("Ablation(kind='mean', hook='z', over=('layer', 'head'), metric='loss'")


def test_progress_counts_prompts(model: lensd.Model, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    path = written(tmp_path / "a.txt", [*PROMPTS[:4], "", PROMPTS[4]])
    corpus.write(
        model, path, corpus.Losses(), tmp_path / "out.csv", progress=lambda done, total: steps.append((done, total))
    )
    assert steps == [(at, 5) for at in range(1, 6)]


KILLED = """
import sys
import lensd
from lensd import corpus
from lensd.corpus.outputs import RowFile
model = lensd.connect(sys.argv[1]).model("tiny")
corpus.write(model, sys.argv[2], corpus.Losses(), sys.argv[3])
"""


def test_a_process_that_is_killed(daemon: Daemon, model: lensd.Model, out: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", PROMPTS * 100)
    stream = out if out.suffix != ".parquet" else out.with_name(out.name + ".rows")
    arguments = [sys.executable, "-c", KILLED, daemon.socket, str(path), str(out)]
    process = subprocess.Popen(arguments)
    give_up_at = time.monotonic() + 60
    while not (stream.exists() and stream.stat().st_size > 20_000):
        assert process.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    process.kill()
    process.wait(10)
    done = corpus.write(model, path, corpus.Losses(), out)
    assert 0 <= done.resumed < 4000
    found = contents(out)
    assert [int(row["prompt"]) for row in found] == list(range(4000))
    expected = [row["loss"] for row in corpus.rows(model, PROMPTS, corpus.Losses())]
    assert [float(row["loss"]) for row in found] == pytest.approx(expected * 100, abs=1e-5)


# The program.


def test_the_program_goes_on_after_ctrl_c(daemon: Daemon, model: lensd.Model, tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [json.dumps({"text": text, "n": at}) for at, text in enumerate(PROMPTS * 10)])
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "lensd.corpus", str(path), "--out", str(out), "--socket", daemon.socket, "--json"]
    process = subprocess.Popen(command)
    give_up_at = time.monotonic() + 60
    while not (out.exists() and out.stat().st_size > 200):
        assert process.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    said = json.loads(subprocess.check_output(command))
    assert said["resumed"] > 0
    assert (said["prompts"], said["rows"], said["model"]) == (400, 400, "tiny")
    assert [int(row["n"]) for row in contents(out)] == list(range(400))
    # Another analysis into the same file is refused, as lensctl refuses.
    refused = subprocess.run([*command, "--analysis", "ablation"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["code"] == "FAILED_PRECONDITION"
    assert "begun with another analysis" in refused.stderr
    again = json.loads(subprocess.check_output([*command, "--restart"]))
    assert (again["rows"], again["resumed"]) == (400, 0)
