"""GDCM in a process of its own: on some damaged JPEG streams it ends its process instead of reporting an error.

Only JPEG lossless and 12-bit JPEG need GDCM; all else is decoded by decoders that raise. One child is started when it
is first needed, serves until the program ends, and is replaced when it dies. It is a plain new interpreter (not
multiprocessing's spawn, which would run the caller's main module again), and what it answers is a line of JSON and raw
numbers, never a pickle. What GDCM prints about damaged streams goes nowhere: it could hold anything. This module knows
no decoder: whoever asks names the program that the child runs, and that program hands its decoder to `serve`.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from app.files.dicom.header import MALFORMED, DamagedFileError, Pixels

Decoder = Callable[[Path, Pixels, Sequence[int]], NDArray[Any]]
"""path, its pixels, indices of frames -> the frames [n, j, i]"""

LONGEST_S = 60.0  # for one file
_lock = threading.Lock()
_child: subprocess.Popen[bytes] | None = None


def decode_in_child(path: Path, pixels: Pixels, indices: Sequence[int], *, program: str) -> NDArray[Any]:
    """Frames `indices` as [n, j, i], decoded in the child.

    program : Python source that the child runs where none is running yet; it ends in `serve(decoder)`

    Raises
    ------
    RuntimeError : the child died or took too long
    ValueError : the decoder reported an error
    DamagedFileError : the stream does not fit the header
    """
    request = {"path": os.fspath(path.absolute()), "pixels": asdict(pixels), "indices": list(indices)}
    with _lock:
        child = _running_child(program)
        assert child.stdin is not None
        assert child.stdout is not None
        guard = threading.Timer(LONGEST_S, child.kill)
        guard.start()
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            line = child.stdout.readline()
            answer: dict[str, Any] = json.loads(line) if line else {"died": True}
            size = 0 if "shape" not in answer else int(np.prod(answer["shape"])) * np.dtype(answer["dtype"]).itemsize
            data = child.stdout.read(size)
        except OSError as error:  # a broken pipe: it died while it was written to
            stop()
            raise RuntimeError("the decoder gave up on the damaged stream") from error
        finally:
            guard.cancel()
        if "died" in answer or len(data) != size:
            stop()
            raise RuntimeError("the decoder gave up on the damaged stream, or took too long")
    if "reason" in answer:
        raise DamagedFileError(path, answer["reason"])
    if "error" in answer:
        raise ValueError(answer["error"])
    return np.frombuffer(data, answer["dtype"]).reshape(answer["shape"])


def _running_child(program: str) -> subprocess.Popen[bytes]:
    global _child
    if _child is not None and _child.poll() is not None:
        stop()
    if _child is None:
        _child = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )
    return _child


def stop() -> None:
    """End the child, if there is one; the next file gets a new one."""
    global _child
    child, _child = _child, None
    if child is not None:
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what it was still to be told cannot be told any more
                    continue
        child.wait()


atexit.register(stop)


def serve(decode: Decoder) -> None:
    """The child: answer requests on stdin, each by `decode`, until it is closed."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    for line in sys.stdin.buffer:
        _answer(json.loads(line), decode, answers)
        answers.flush()


def _answer(request: dict[str, Any], decode: Decoder, answers: IO[bytes]) -> None:
    fields = request["pixels"]
    pixels = Pixels(**{**fields, "padding": tuple(fields["padding"]) if fields["padding"] else None})
    try:
        frames = np.ascontiguousarray(decode(Path(request["path"]), pixels, request["indices"]))
    except DamagedFileError as error:
        answers.write(json.dumps({"reason": error.reason}).encode() + b"\n")
    except MALFORMED as error:
        answers.write(json.dumps({"error": str(error)[:200]}).encode() + b"\n")
    else:
        answers.write(json.dumps({"dtype": frames.dtype.str, "shape": frames.shape}).encode() + b"\n")
        answers.write(frames.tobytes())
