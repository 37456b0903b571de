# SPDX-License-Identifier: BSD-3-Clause
"""ECS Exec's API.

ExecuteCommand starts a session; SSM's ResumeSession and TerminateSession refer to
it. agent.py has the protocol of its data channel, server.py the connections, and
terminal.py the command on its terminal.
"""

import json
import secrets
import threading
import time

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.ecs.exceptions import ECSException, InvalidParameterException
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.kms.models import kms_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from .. import ecs
from . import faults
from .agent import Agent
from .loop import Loop
from .server import PATH, Server

IDLE_LIMIT = 20 * 60
LEAST_IDLE_LIMIT = 60.0
NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute "
    "command agent isn't running. Wait and try again or run a new task with execute command enabled and try again."
)
NOT_INTERACTIVE = "Interactive is the only mode supported currently."
NOT_FOUND = "The task provided in the request was not found."
NO_SUCH_CONTAINER = "The container name was not found in the task."
SEVERAL_CONTAINERS = "The container name must be provided, for the task has several containers."
NOT_RUNNING = "The execute command failed because the container is not running."
STOPPED = "The execute command failed because the task is not running."

_context = None
_sessions = None


class TargetNotConnected(ECSException):
    code = "TargetNotConnectedException"

    def __init__(self):
        super().__init__("The execute command failed due to an internal error. Try again later.")


class DoesNotExist(JsonRESTError):
    def __init__(self, session: str):
        super().__init__("DoesNotExistException", f"Session {session} does not exist.")


class Session:
    """The session of one ExecuteCommand."""

    def __init__(self, sessions, task, part, command: str, key_id: str):
        self.id = f"ecs-execute-command-{secrets.token_hex(9)[:17]}"
        self.command = command
        self.container = part.container
        self.key_id = key_id
        self.task = task
        self.target = f"ecs:{task.cluster_name}_{task.id}_{part.runtime_id}"
        self._sessions = sessions
        self._tokens = set()
        self.idle_limit = faults.idle_limit(max(LEAST_IDLE_LIMIT, _context.scaled(IDLE_LIMIT)))
        self.deaf = faults.ignores_input()
        self.break_at = None
        rule = faults.of_connection()
        if rule:
            self.break_at = int(rule.get("after_bytes", 4096))
            self.gone_then = rule["kind"] == "exec_close"
        else:
            self.gone_then = False
        self.agent = Agent(sessions.loop, self)

    def token(self) -> str:
        token = secrets.token_urlsafe(64)
        self._tokens.add(token)
        return token

    def takes_token(self, token) -> bool:
        """Whether the token is valid; each is valid for one connection."""
        good = token in self._tokens and not faults.refuses_token()
        self._tokens.discard(token)
        return good

    def place(self, part) -> dict:
        return {
            "clusterArn": self.task.cluster_arn,
            "containerArn": part.arn,
            "containerName": part.definition["name"],
            "interactive": True,
            "session": self.connection(),
            "taskArn": self.task.task_arn,
        }

    def connection(self) -> dict:
        url = f"ws://{_context.host}:{self._sessions.server.port}{PATH}{self.id}?role=publish_subscribe"
        return {"sessionId": self.id, "streamUrl": url, "tokenValue": self.token()}

    def decrypt(self, blob: bytes) -> bytes:
        backend = kms_backends[_context.account_id][self.task.region_name]
        context = {"aws:ssm:SessionId": self.id, "aws:ssm:TargetId": self.target}
        return backend.decrypt(blob, context)[0]

    def ended(self) -> None:
        self._sessions.forget(self)


class Sessions:
    """All open sessions."""

    def __init__(self):
        self._lock = threading.Lock()
        self._all = {}
        self.loop = Loop()
        self.server = Server(self.loop, _context.host, self.get)
        self.loop.start()

    def get(self, identity: str):
        with self._lock:
            return self._all.get(identity)

    def add(self, session: Session) -> None:
        with self._lock:
            self._all[session.id] = session

    def forget(self, session: Session) -> None:
        with self._lock:
            self._all.pop(session.id, None)

    def of(self, container) -> list:
        with self._lock:
            return [session for session in self._all.values() if session.container is container]


def execute_command(self) -> ActionResult:
    """ExecuteCommand."""
    parameter = self._get_param
    with _context.lock:
        if not parameter("interactive"):
            raise InvalidParameterException(NOT_INTERACTIVE)
        task = ecs.find_task(self.ecs_backend, parameter("cluster", "default"), parameter("task"))
        if task is None:
            raise InvalidParameterException(NOT_FOUND)
        part = choose(task, parameter("container"))
        check(task, part)
        session = Session(_sessions, task, part, parameter("command"), key_of(self.ecs_backend, task))
    _sessions.add(session)
    part.container.process.on_exit(lambda: _sessions.loop.call(lambda: session.agent.close("")))
    return ActionResult(session.place(part))


def choose(task, name):
    parts = [part for part in task.parts if name in (None, part.definition["name"])]
    if len(parts) != 1:
        raise InvalidParameterException(NO_SUCH_CONTAINER if name else SEVERAL_CONTAINERS)
    return parts[0]


def check(task, part) -> None:
    if task.status == "STOPPED" or task.desired_status == "STOPPED":
        raise InvalidParameterException(STOPPED)
    if not task.enable_execute_command:
        raise InvalidParameterException(NOT_ENABLED)
    if task.status == "RUNNING" and not part.container.running:
        raise InvalidParameterException(NOT_RUNNING)
    up = part.takes_exec and task.exec_agent_at and time.monotonic() >= task.exec_agent_at
    if not up or faults.is_agent_down():
        raise TargetNotConnected


def key_of(backend, task) -> str:
    """The KMS key with which the cluster's sessions are encrypted."""
    cluster = backend._get_cluster(task.cluster_name)
    configuration = getattr(cluster, "configuration", None) or {}
    return (configuration.get("executeCommandConfiguration") or {}).get("kmsKeyId") or ""


def resume_session(self) -> str:
    """SSM's ResumeSession: a new connection to an open session."""
    session = _sessions.get(self._get_param("SessionId"))
    if session is None:
        raise DoesNotExist(self._get_param("SessionId"))
    new = session.connection()
    reply = {"SessionId": new["sessionId"], "StreamUrl": new["streamUrl"], "TokenValue": new["tokenValue"]}
    return json.dumps(reply)


def terminate_session(self) -> str:
    """SSM's TerminateSession, which always succeeds."""
    session = _sessions.get(self._get_param("SessionId"))
    if session:
        _sessions.loop.call(lambda: session.agent.close(""))
    return json.dumps({"SessionId": self._get_param("SessionId")})


def install(context) -> None:
    """Add these actions to moto's."""
    global _context, _sessions
    _context = context
    _sessions = Sessions()
    EC2ContainerServiceResponse.execute_command = execute_command
    SimpleSystemManagerResponse.resume_session = resume_session
    SimpleSystemManagerResponse.terminate_session = terminate_session


def stop(_context) -> None:
    """Close all connections; the spawner ends the processes on terminals."""
    _sessions.loop.stop()
    _sessions.server.close()
