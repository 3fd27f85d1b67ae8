"""Follows a call with a stream of answers, without ever being silent for long."""

import queue
import threading

import grpc

from glance_sidecar.rpc.errors import SidecarError

_ENDED = object()


def follow(call, interval):
    """
    The call's answers, and None after each interval in seconds without one: as long as the channel's keepalive takes the sidecar
    for alive, others may be told that the work goes on. Raises SidecarError. The call is the caller's to cancel.
    """
    answers = queue.Queue()
    threading.Thread(target=_read, args=(call, answers), name="answers", daemon=True).start()
    while True:
        try:
            answer = answers.get(timeout=interval)
        except queue.Empty:
            yield None
            continue
        if answer is _ENDED:
            return
        if isinstance(answer, SidecarError):
            raise answer
        yield answer


def _read(call, answers):
    try:
        for answer in call:
            answers.put(answer)
        answers.put(_ENDED)
    except grpc.RpcError as failure:
        answers.put(SidecarError.of(failure))
