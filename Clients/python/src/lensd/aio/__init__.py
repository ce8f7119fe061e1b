"""lensd for asyncio: the same questions and answers, awaited.

>>> async with await lensd.aio.connect() as client:
...     model = await client.model()
...     logits, cache = await model.run_with_cache("Once upon a time")
...     pattern = await cache["pattern", 0]
...     async for token in model.generate_stream("Once upon a time"):
...         print(token.text, end="")

Cancelling a task, also by `asyncio.timeout`, cancels its call in the daemon. A client belongs to the event loop that it
was made in. Hook functions, gradients and the files of sessions are the blocking client's: `asyncio.to_thread` runs it
beside a loop.
"""

from lensd.aio.cache import ActivationCache
from lensd.aio.client import Client, connect
from lensd.aio.generation import Generation, GenerationStream
from lensd.aio.model import Model
from lensd.aio.session import Session

__all__ = ["ActivationCache", "Client", "Generation", "GenerationStream", "Model", "Session", "connect"]
