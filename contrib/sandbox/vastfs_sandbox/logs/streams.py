# SPDX-License-Identifier: BSD-3-Clause
"""Writes the output of processes, line by line, to CloudWatch log streams.

Also replaces moto's page tokens, which are indexes into a filtered and sorted
list: a filter, or one late event, would shift them for a client that follows
a stream.
"""

import os
import select
import threading

from moto.logs.exceptions import (
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from moto.logs.models import LogGroup, LogStream, LogsBackend, logs_backends

from ..common import clock
from ..common.faults import take

MAX_LINE = 256 * 1024  # the service's limit of one event; longer ones are split
MAX_PAGE_EVENTS = 10_000
MAX_PAGE_BYTES = 1 << 20
EVENT_OVERHEAD = 26  # bytes that the service adds to the size of each message
READ_SIZE = 64 * 1024


class Writer:
    """Appends lines to one stream, with timestamps that never decrease."""

    def __init__(self, context, group: str, stream: str, region=None):
        self._context = context
        self._backend = logs_backends[context.account_id][region or context.region]
        self._group = group
        self._stream = stream
        self._last = 0
        self._lock = threading.Lock()

    def open(self) -> None:
        """Create the stream; KeyError if the group does not exist."""
        with self._context.lock:
            if self._group not in self._backend.groups:
                raise KeyError(self._group)
            try:
                self._backend.create_log_stream(self._group, self._stream)
            except ResourceAlreadyExistsException:
                pass

    def put(self, lines) -> None:
        """Append texts; they are dropped if the group was deleted."""
        with self._lock:
            self._last = max(self._last, int(clock.timestamp() * 1000))
            events = [{"timestamp": self._last, "message": t} for t in lines if t]
            if not events:
                return
            try:
                self._backend.put_log_events(self._group, self._stream, events)
            except ResourceNotFoundException:
                pass


class Capture:
    """The read end of a pipe that processes write to."""

    def __init__(self, on_lines):
        self._on_lines = on_lines
        self._lock = threading.RLock()
        self._rest = b""
        self._read_fd, self.write_fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read_fd, False)
        _collector.add(self._read_fd, self)

    def started(self) -> None:
        """Close the write end: the process now has its own copy."""
        os.close(self.write_fd)

    def drain(self, whole_lines=True) -> None:
        """Read everything that was written so far; unless `whole_lines`, also
        the last line without its newline."""
        with self._lock:
            if self._read_fd < 0:
                return
            while chunk := self._read():
                self._take(chunk)
            if not whole_lines:
                self._flush()

    def close(self) -> None:
        """Read the rest and close the pipe, even if a process could still write."""
        with self._lock:
            if self._read_fd < 0:
                return
            self.drain(whole_lines=False)
            _collector.remove(self._read_fd)
            os.close(self._read_fd)
            self._read_fd = -1

    def ready(self) -> None:
        """The pipe is readable, or its last writer has closed it."""
        with self._lock:
            if self._read_fd < 0:
                return
            chunk = self._read()
            if chunk:
                self._take(chunk)
            elif chunk == b"":
                self.close()

    def _read(self):
        """Bytes; empty at the end of the pipe; None if there are no data now."""
        try:
            return os.read(self._read_fd, READ_SIZE)
        except BlockingIOError:
            return None

    def _take(self, chunk: bytes) -> None:
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        while len(self._rest) >= MAX_LINE:
            lines.append(self._rest[:MAX_LINE])
            self._rest = self._rest[MAX_LINE:]
        if lines:
            self._on_lines([text(line) for line in lines])

    def _flush(self) -> None:
        if self._rest:
            rest, self._rest = self._rest, b""
            self._on_lines([text(rest)])


def text(line: bytes) -> str:
    """A log message; invalid UTF-8 is replaced, as the service does."""
    return line.decode("utf-8", "replace")


class Collector:
    """One thread that serves all captures."""

    def __init__(self):
        self._epoll = select.epoll()
        self._captures = {}
        threading.Thread(target=self._run, daemon=True, name="logs").start()

    def add(self, fd: int, capture: Capture) -> None:
        self._captures[fd] = capture
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        self._epoll.unregister(fd)
        self._captures.pop(fd, None)

    def _run(self) -> None:
        while True:
            for fd, _ in self._epoll.poll():
                capture = self._captures.get(fd)
                if capture:
                    capture.ready()


_collector = None


def get_log_events(
    stream, start_time, end_time, limit, next_token, start_from_head
):
    """LogStream.get_log_events with tokens that stay valid.

    A token is a position in the order of arrival: `f/n` reads forward from
    event n, `b/n` backward from the event before n. At the end of the stream
    the returned token is the given one. AWS's tokens expire after 24 hours;
    here the fault `token_expired` of `logs:<stream>` makes them expire.
    """
    events = list(stream.events)
    place = f"logs:{stream.log_stream_name}"
    if next_token and take(place, "token_expired"):
        raise InvalidParameterException("The specified nextToken is invalid.")
    if next_token:
        forward, position = parse_token(next_token)
        position = min(position, len(events))
    else:
        forward = bool(start_from_head)
        position = 0 if forward else len(events)
    page, low, high = take_page(
        events, forward, position, limit or MAX_PAGE_EVENTS, (start_time, end_time)
    )
    if not forward:
        page.reverse()  # events of the same millisecond keep their order
    page.sort(key=lambda event: event.timestamp)
    replies = [event.to_response_dict() for event in page]
    return replies, f"b/{low:056d}", f"f/{high:056d}"


def parse_token(token: str):
    """(forward, position) of a token; the service's error if it is invalid."""
    direction, _, digits = token.partition("/")
    if direction not in ("f", "b") or not (digits.isascii() and digits.isdigit()):
        raise InvalidParameterException("The specified nextToken is invalid.")
    return direction == "f", int(digits)


def take_page(events, forward, position, limit, times):
    """The events of one page and the positions before and after them."""
    page = []
    low = high = position
    size = 0
    order = range(position, len(events)) if forward else range(position - 1, -1, -1)
    for index in order:
        event = events[index]
        if not within(event.timestamp, *times):
            continue
        size += len(event.message.encode()) + EVENT_OVERHEAD
        if len(page) == limit or (page and size > MAX_PAGE_BYTES):
            break
        page.append(event)
        if forward:
            high = index + 1
        else:
            low = index
    return page, low, high


def within(timestamp, start_time, end_time) -> bool:
    """startTime is inclusive, endTime exclusive."""
    if start_time and timestamp < start_time:
        return False
    return not (end_time and timestamp >= end_time)


def _group_get_log_events(group, stream_name, *arguments):
    """LogGroup.get_log_events with an error that says what does not exist."""
    if stream_name not in group.streams:
        raise ResourceNotFoundException("The specified log stream does not exist.")
    return get_log_events(group.streams[stream_name], *arguments)


def _put_log_events(context, original):
    """LogsBackend.put_log_events under the lock, without empty messages."""

    def put_log_events(backend, group, stream, events):
        if any(not event["message"] for event in events):
            raise InvalidParameterException(
                constraint="Member must have length greater than or equal to 1",
                parameter="logEvents.message",
                value="",
            )
        with context.lock:
            return original(backend, group, stream, events)

    return put_log_events


def install(context) -> None:
    """Replace methods of moto's log service and start the collector."""
    global _collector
    _collector = Collector()
    LogStream.get_log_events = get_log_events
    LogGroup.get_log_events = _group_get_log_events
    LogsBackend.put_log_events = _put_log_events(
        context, LogsBackend.put_log_events
    )
