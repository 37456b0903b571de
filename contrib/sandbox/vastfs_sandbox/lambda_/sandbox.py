# SPDX-License-Identifier: BSD-3-Clause
"""Function sandboxes: each has a runtime program that is kept warm for the next event.

The program is the entry point of the function's image and runs inside it.
containers/host_place.py runs images that are not in ECR.
"""

import shutil
import threading
import time
import uuid
from pathlib import Path

from .. import logs
from ..common import clock
from ..containers import host_place, images, layers, processes, programs
from ..containers.image_place import ImagePlace
from .invocation import error_body
from .runtime_api import RuntimeApi

INIT_LIMIT = 10  # seconds of this machine within which the program must be ready
EXIT_GRACE = 1  # seconds between a broken connection and the exit that caused it
USER = (993, 990)  # AWS runs functions as a user without rights
TAIL = 4096  # bytes of the log that an invocation may return
MAX_IDLE = 64  # sandboxes of one function that are kept warm


class InvalidEntrypoint(Exception):
    """The entry point of the function's image cannot be started."""


class Warm:
    """The sandboxes of one version of a function's code and configuration."""

    def __init__(self, context, function):
        self.context = context
        self.function = function
        self.busy = 0
        self._idle = []
        self._lock = threading.Lock()
        self._retired = False

    def take(self):
        """The most recently used warm sandbox; a cold one if there is none."""
        with self._lock:
            while self._idle:
                sandbox = self._idle.pop()
                if sandbox.usable:
                    return sandbox
        return FunctionSandbox(self.context, self.function)

    def give_back(self, sandbox) -> None:
        """Keep the sandbox for the next event, if it can still be used."""
        with self._lock:
            keep = sandbox.usable and not self._retired
            if keep and len(self._idle) < MAX_IDLE:
                self._idle.append(sandbox)
                return
        sandbox.close()

    def retire(self) -> None:
        """End all sandboxes: the function was changed or deleted."""
        with self._lock:
            self._retired = True
            idle, self._idle = self._idle, []
        for sandbox in idle:
            sandbox.close()


class FunctionSandbox:
    """One program, its Runtime API and its log stream."""

    def __init__(self, context, function):
        self.context = context
        self.function = function
        self.directory = context.run_dir / "functions" / uuid.uuid4().hex
        place = self._place()
        self.directory.mkdir(parents=True)
        self.stream = f"{clock.now():%Y/%m/%d}/[$LATEST]{self.directory.name}"
        self.log = self._open_log()
        self.tail = []
        self.current = None
        self._ready = False
        self._init_seconds = None  # the error of the init phase, until it was reported
        self._init_error = None
        self._lock = threading.Lock()
        self.api = RuntimeApi(self._on_init_error, self._on_truncated)
        self.capture = logs.Capture(self._on_lines)
        self._started = time.monotonic()
        argv, environment, inside = place
        environment.update(self._environment())
        try:
            self.process = processes.spawn(
                argv, environment, self.directory, self.capture.write_fd, inside
            )
        except processes.SpawnError as error:
            self.api.close()
            raise InvalidEntrypoint(f"{argv[0]}: {error.strerror.lower()}") from error
        finally:
            self.capture.started()
        self.process.on_exit(self._exited)

    def _place(self):
        """(argv, initial variables, whether the program runs inside an image)"""
        if self.function.image is None:
            return self._on_host()
        try:
            return self._in_image()
        except (images.Unusable, layers.Malformed) as error:
            raise InvalidEntrypoint(str(error)) from error
        except programs.CannotRun as error:
            how = "fork/exec " if "/" in error.program else "exec: "
            raise InvalidEntrypoint(f"{how}{error.program}: {error.reason}") from error

    def _on_host(self):
        try:
            program = host_place.runtime_program()
        except host_place.NoRuntime as error:
            raise InvalidEntrypoint(str(error)) from error
        environment = host_place.environment(self.context, self.directory)
        environment["TMPDIR"] = str(self.directory)
        return [program, *(self.function.image_config.cmd or [])], environment, False

    def _in_image(self):
        place = ImagePlace(self.function.image)
        config = self.function.image_config
        command = place.command(config.entry_point, config.cmd)
        if not command:
            raise InvalidEntrypoint("entrypoint requires the handler name to be the first argument")
        environment = {"LANG": "en_US.UTF-8", **place.environment()}
        directory = place.working_directory(config.working_directory)
        place.check(command[0], environment["PATH"], directory)
        size = int(self.function.ephemeral_storage or 512) << 20
        return place.argv(command, USER, directory, tmp=size), environment, True

    def _environment(self) -> dict:
        function = self.function
        environment = {
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": function.handler or "",
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.stream,
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ACCESS_KEY_ID": "ASIASANDBOXFUNCTION0",
            "AWS_SECRET_ACCESS_KEY": "the-role-of-a-function-in-the-sandbox",
            "AWS_SESSION_TOKEN": "sandbox",
        }
        return {**environment, **(function.environment_vars or {})}

    def _open_log(self):
        """None if the log group does not exist: the function then runs without a log."""
        function = self.function
        writer = logs.Writer(
            self.context, function.log_group, self.stream, function.region
        )
        try:
            if not function.logging_config.get("LogGroup"):
                with self.context.lock:
                    function.logs_backend.ensure_log_group(function.log_group)
            writer.open()
        except KeyError:
            return None
        return writer

    @property
    def usable(self) -> bool:
        return self.process.running and self.current is None

    def write(self, *lines) -> None:
        """Log lines of the platform itself."""
        self._on_lines([line + "\n" for line in lines])

    def _on_lines(self, lines) -> None:
        if self.log:
            self.log.put([line for line in lines if line.strip()])
        with self._lock:
            self.tail.extend(line.rstrip("\n") + "\n" for line in lines)

    def tail_text(self) -> bytes:
        """The end of this invocation's log."""
        with self._lock:
            return "".join(self.tail).encode()[-TAIL:]

    def run(self, invocation) -> None:
        """Give the event to the program; returns when the invocation is over."""
        with self._lock:
            self.tail = []
        self.current = invocation
        if self._wait_ready(invocation):
            self.write(
                f"START RequestId: {invocation.request_id} "
                f"Version: {self.function.version}"
            )
            self.api.submit(invocation)
            self._wait_done(invocation)
            if invocation.cut_off:
                self.process.kill()
                self.process.wait()
        self.capture.drain(whole_lines=False)
        self._report(invocation)
        self.current = None

    def _wait_ready(self, invocation) -> bool:
        """Wait for the program; this time does not count as the function's."""
        if self._ready:
            return True
        limit = self._started + INIT_LIMIT + invocation.timeout
        while not self.api.initialized.wait(0.01):
            if invocation.done.is_set() or not self.process.running:
                self._on_exit()
                return False
            if self._init_error:
                invocation.fail(*self._init_error)
                return False
            if time.monotonic() > limit:
                self._time_out(invocation)
                return False
        self._init_seconds = time.monotonic() - self._started
        self._ready = True
        return True

    def _wait_done(self, invocation) -> None:
        """Wait for the outcome; the function's time counts from the delivery of the event."""
        if not invocation.delivered.wait(INIT_LIMIT + invocation.timeout):
            return self._time_out(invocation)
        if not invocation.done.wait(invocation.timeout):
            return self._time_out(invocation)
        return None

    def _time_out(self, invocation) -> None:
        said = f"Task timed out after {invocation.timeout:.2f} seconds"
        message = f"RequestId: {invocation.request_id} Error: {said}"
        invocation.fail("Sandbox.Timedout", error_body("Sandbox.Timedout", message))
        self.process.kill()
        self.process.wait()
        self.capture.drain(whole_lines=False)
        when = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        self.write(f"{when}Z {invocation.request_id} {said}")

    def _on_init_error(self, kind: str, body: bytes) -> None:
        self._init_error = (kind, body)

    def _on_truncated(self, invocation) -> None:
        """The response is incomplete; if the program is about to exit, its exit is the reason."""
        if self.process.wait(EXIT_GRACE):
            return
        kind = "Runtime.TruncatedResponse"
        invocation.cut_off = True
        invocation.fail(kind, error_body(kind, "The response was cut short."))

    def _exited(self) -> None:
        """Handle the exit in a thread of its own: the caller's thread serves all processes."""
        threading.Thread(target=self._on_exit, daemon=True).start()

    def _on_exit(self) -> None:
        """The program has ended; the event that it was processing has failed."""
        invocation = self.current
        if invocation is None or invocation.done.is_set():
            return
        self.api.settle(EXIT_GRACE)
        self.capture.drain(whole_lines=False)
        if self._init_error:
            return invocation.fail(*self._init_error)
        how = how_it_ended(self.process)
        message = f"RequestId: {invocation.request_id} Error: {how}"
        kind = "Runtime.ExitError"
        return invocation.fail(kind, error_body(kind, message))

    def _report(self, invocation) -> None:
        """Log the END and REPORT lines of an invocation."""
        begin = invocation.delivered_at or self._started
        spent = (time.monotonic() - begin) * 1000
        fields = [
            f"REPORT RequestId: {invocation.request_id}",
            f"Duration: {spent:.2f} ms",
            f"Billed Duration: {int(spent) + 1} ms",
            f"Memory Size: {self.function.memory_size} MB",
            f"Max Memory Used: {self._peak()} MB",
        ]
        if self._init_seconds is not None:
            fields.append(f"Init Duration: {self._init_seconds * 1000:.2f} ms")
            self._init_seconds = None
        if invocation.error and invocation.error[0] == "Sandbox.Timedout":
            fields.append("Status: timeout")
        elif invocation.error:
            fields.append(f"Status: error\tError Type: {invocation.error[0]}")
        self.write(f"END RequestId: {invocation.request_id}", "\t".join(fields) + "\t")

    def _peak(self) -> int:
        """The program's peak memory so far, in MB."""
        try:
            status = Path(f"/proc/{self.process.program}/status").read_text()
        except OSError:
            return 0
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024 + 1
        return 0

    def close(self) -> None:
        """End the sandbox."""
        self.process.kill()
        self.process.wait()
        self.capture.close()
        self.api.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def how_it_ended(process) -> str:
    if process.signal:
        return f"Runtime exited with error: signal: {signal_name(process.signal)}"
    if process.exit_code:
        return f"Runtime exited with error: exit status {process.exit_code}"
    return "Runtime exited without providing a reason"


def signal_name(number: int) -> str:
    """The name of a signal in Go's runtime, which Lambda uses."""
    names = {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}
    return names.get(number, f"signal {number}")
