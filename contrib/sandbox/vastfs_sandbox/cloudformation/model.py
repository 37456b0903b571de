# SPDX-License-Identifier: BSD-3-Clause
"""CloudFormation's records: stacks, their resources, events and change sets."""

import copy
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from ..common import clock
from ..wire.sigv4 import ACCESS_KEY
from .template import Scope, invalid

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass
class Resource:
    """One resource of a stack in its present state."""

    logical_id: str
    type: str
    physical_id: str = ""
    properties: dict = field(default_factory=dict)
    attributes: dict = field(default_factory=dict)
    status: str = ""
    reason: str | None = None
    updated: datetime = None
    retain: bool = False
    depends: set = field(default_factory=set)

    def copy(self):
        """An independent copy, for a rollback."""
        return copy.deepcopy(self)


@dataclass
class Event:
    """One line of a stack's history."""

    event_id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    properties: str | None
    token: str | None
    operation_id: str
    operation_type: str
    timestamp: datetime


@dataclass
class ChangeSet:
    """A change set and the inputs that it would apply."""

    id: str
    name: str
    type: str
    body: str
    template: dict
    parameters: dict
    tags: list
    capabilities: list
    description: str | None
    token: str | None
    on_failure: str | None
    status: str = "CREATE_PENDING"
    reason: str | None = None
    execution: str = "UNAVAILABLE"
    changes: list = field(default_factory=list)
    created: datetime = field(default_factory=clock.now)
    error: str | None = None


class Stack:
    """One stack; its lock guards everything in it."""

    def __init__(self, context, region, name):
        self.region = region
        self.name = name
        self.id = (
            f"arn:aws:cloudformation:{region}:{context.account_id}:stack/{name}/"
            f"{uuid.uuid4()}"
        )
        self.account_id = context.account_id
        self.lock = threading.RLock()
        self.body = ""
        self.template = {"Resources": {}}
        self.parameters = {}
        self.tags = []
        self.capabilities = []
        self.status = "REVIEW_IN_PROGRESS"
        self.reason = None
        self.created = clock.now()
        self.updated = None
        self.deleted = None
        self.outputs = []
        self.resources = {}
        self.events = []
        self.change_sets = {}
        self.change_set_id = None
        self.protected = False
        self.disable_rollback = False
        self.role_arn = None
        self.token = None
        self.operation_id = str(uuid.uuid4())
        self.operation_type = "CREATE_STACK"
        self.operation = None
        self.caller = ACCESS_KEY  # the key of the caller who started the operation
        self.drift = "NOT_CHECKED"
        self.drift_checked = None
        self.resource_drifts = {}  # logical ID -> result of the last detection
        self.rollback = None  # the remaining work of a failed rollback

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != (
            "REVIEW_IN_PROGRESS"
        )

    def begin(self, operation_type, token) -> None:
        """Start a new operation; its events carry the token."""
        self.operation_id = str(uuid.uuid4())
        self.operation_type = operation_type
        self.token = token

    def set_status(self, status, reason=None) -> None:
        """Change the stack's status and record an event."""
        with self.lock:
            self.status = status
            self.reason = reason
            self._append(self.name, self.id, STACK_TYPE, status, reason, None)

    def note(self, resource, status, reason=None, properties=None) -> None:
        """Change a resource's status and record an event."""
        with self.lock:
            resource.status = status
            resource.reason = reason
            resource.updated = clock.now()
            self._append(
                resource.logical_id,
                resource.physical_id,
                resource.type,
                status,
                reason,
                properties,
            )

    def _append(self, logical_id, physical_id, kind, status, reason, properties):
        is_stack = kind == STACK_TYPE
        number = uuid.uuid4()
        event_id = str(number) if is_stack else f"{logical_id}-{status}-{number}"
        self.events.append(
            Event(
                event_id,
                logical_id,
                physical_id,
                kind,
                status,
                reason,
                properties,
                self.token,
                self.operation_id,
                self.operation_type,
                clock.now(),
            )
        )

    def pseudo(self) -> dict:
        """The pseudo parameters."""
        return {
            "AWS::AccountId": self.account_id,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.id,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def scope(self, template=None, parameters=None, resources=None) -> Scope:
        """The scope for computing values; by default of the present stack."""
        return Scope(
            self.template if template is None else template,
            self.parameters if parameters is None else parameters,
            self.pseudo(),
            self.resources if resources is None else resources,
            [f"{self.region}{letter}" for letter in "abc"],
        )

    def all_tags(self, logical_id) -> list:
        """The tags that CloudFormation adds to every resource that can be tagged."""
        own = {
            "aws:cloudformation:stack-name": self.name,
            "aws:cloudformation:stack-id": self.id,
            "aws:cloudformation:logical-id": logical_id,
        }
        return [*self.tags, *({"Key": k, "Value": v} for k, v in own.items())]


class Store:
    """All stacks of all regions."""

    def __init__(self, context):
        self.context = context
        self.lock = threading.RLock()
        self._live = {}  # (region, name) -> Stack
        self._all = {}  # id -> Stack

    def add(self, region, name) -> Stack:
        """A new stack."""
        stack = Stack(self.context, region, name)
        with self.lock:
            self._live[region, name] = stack
            self._all[stack.id] = stack
        return stack

    def drop(self, stack) -> None:
        """Forget a deleted stack's name: it is found only by its ID."""
        with self.lock:
            if self._live.get((stack.region, stack.name)) is stack:
                del self._live[stack.region, stack.name]

    def find(self, region, name_or_id):
        """A stack by name (not deleted) or ID (any); None if there is none."""
        with self.lock:
            if name_or_id.startswith("arn:"):
                return self._all.get(name_or_id)
            return self._live.get((region, name_or_id))

    def get(self, region, name_or_id, words="Stack with id {} does not exist"):
        """A stack that must exist."""
        stack = self.find(region, name_or_id)
        if stack is None:
            raise invalid(words.format(name_or_id))
        return stack

    def everything(self) -> list:
        """All stacks of all regions."""
        with self.lock:
            return list(self._all.values())

    def listed(self, region, deleted=False) -> list:
        """The stacks of a region, the newest first."""
        with self.lock:
            found = self._all.values() if deleted else self._live.values()
            found = [stack for stack in found if stack.region == region]
        return sorted(found, key=lambda stack: stack.created, reverse=True)
