"""One analysis of many prompts: from a file or a list, on one machine or on many, with a file to go on with.

>>> from lensd import corpus
>>> corpus.write(model, "prompts.jsonl", corpus.Ablation(), out="heads.parquet")
>>> for row in corpus.rows(model, ["Tom saw Lily", "Lily saw Tom"], corpus.Losses()):
...     print(row["prompt"], row["loss"])

An analysis is anything that is called with a model and a `Prompt` and gives rows, mappings of names to numbers and
texts; those here are ready to use. The work of a prompt is small and goes to any `concurrent.futures.Executor`, where
the model connects to the daemon that is found there: a pool of processes, `dask.distributed`'s
`client.get_executor()`, Ray's or MPI's.
"""

from lensd.corpus.analyses import Losses, TokenLosses
from lensd.corpus.attention_analyses import DetectHeads, HeadKinds, HeadScores, WhyAttends
from lensd.corpus.prompts import Prompt, Source, read
from lensd.corpus.rows import Analysis, Row, rows
from lensd.corpus.stream_analyses import LogitAttribution, LogitLens, Reduction
from lensd.corpus.sweep_analyses import Ablation, Patching, Sweep
from lensd.corpus.writing import Written, write

__all__ = [
    "Ablation",
    "Analysis",
    "DetectHeads",
    "HeadKinds",
    "HeadScores",
    "LogitAttribution",
    "LogitLens",
    "Losses",
    "Patching",
    "Prompt",
    "Reduction",
    "Row",
    "Source",
    "Sweep",
    "TokenLosses",
    "WhyAttends",
    "Written",
    "read",
    "rows",
    "write",
]
