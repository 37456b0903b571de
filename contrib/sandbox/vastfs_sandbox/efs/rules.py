# SPDX-License-Identifier: BSD-3-Clause
"""Rules of EFS that moto lacks: life-cycle states and idempotency.

moto's file systems and mount targets are available at once, and a repeated
request for an access point creates a second one.
"""

import json

from moto.efs import exceptions
from moto.efs.models import AccessPoint, EFSBackend, FileSystem, MountTarget, efs_backends

from ..common import resource_policies
from ..common.patching import surround
from ..ec2 import own

FILE_SYSTEM_CREATE = 5
FILE_SYSTEM_DELETE = 5
MOUNT_TARGET_CREATE = 90
MOUNT_TARGET_DELETE = 30
ACCESS_POINT_CREATE = 3

_context = None


def install(context) -> None:
    """Wrap states and rules around moto's backend."""
    global _context
    _context = context
    exceptions.EFSError.__init__ = _error_init
    surround(
        context,
        EFSBackend,
        create_file_system,
        delete_file_system,
        create_mount_target,
        delete_mount_target,
        create_access_point,
        delete_access_point,
        put_file_system_policy,
        describe_file_system_policy,
    )
    context.controls["POST", "/sandbox/file-system"] = set_size
    AccessPoint.info_json = _access_point_json(AccessPoint.info_json)
    FileSystem.info_json = _file_system_json(FileSystem.info_json)


def set_size(wish):
    """`{"name": CREATION_TOKEN, "bytes": N}`: the size that EFS has measured last."""
    made = next(
        made
        for backends in efs_backends.values()
        for backend in backends.values()
        for made in backend.file_systems_by_id.values()
        if made.creation_token == wish["name"]
    )
    made._size_value = int(wish["bytes"])
    return 200, {"id": made.file_system_id, "bytes": made._size_value}


class Refused(exceptions.EFSError):
    """An error with more fields than code and message."""

    def __init__(self, status, code, message, **more):
        super().__init__(code, message)
        self.code = status
        body = {"ErrorCode": code, "Message": message, **more}
        self.description = json.dumps(body)


def _error_init(error, code, message, *_, **keywords):
    """EFS's error bodies differ from those of other services."""
    super(exceptions.EFSError, error).__init__(code, message, **keywords)
    error.description = json.dumps({"ErrorCode": code, "Message": message})


def _file_system(backend, file_system_id):
    if file_system_id not in backend.file_systems_by_id:
        raise exceptions.FileSystemNotFound(file_system_id)
    return backend.file_systems_by_id[file_system_id]


def create_file_system(backend, original, creation_token, **keywords):
    """A repeated creation token is refused with the ID of the existing file system."""
    for known in backend.file_systems_by_id.values():
        if known.creation_token == creation_token:
            raise Refused(
                409,
                "FileSystemAlreadyExists",
                f"File system '{known.file_system_id}' already exists with creation "
                f"token '{creation_token}'",
                FileSystemId=known.file_system_id,
            )
    made = original(backend, creation_token, **keywords)
    made.life_cycle_state = "creating"
    _context.later(FILE_SYSTEM_CREATE, lambda: _set(made, "available"))
    return made


def _set(thing, state) -> None:
    if thing.life_cycle_state == "creating":
        thing.life_cycle_state = state


def delete_file_system(backend, original, file_system_id):
    """The file system is deleting for a while; its access points are deleted with it."""
    found = _file_system(backend, file_system_id)
    if found.number_of_mount_targets:
        return original(backend, file_system_id)  # refuses the request

    def finish():
        original(backend, file_system_id)
        for key, point in list(backend.access_points.items()):
            if point.file_system_id == file_system_id:
                del backend.access_points[key]

    if found.life_cycle_state != "deleting":
        found.life_cycle_state = "deleting"
        _context.later(FILE_SYSTEM_DELETE, finish)
    return None


def create_mount_target(backend, original, file_system_id, *arguments, **keywords):
    """The mount target is creating for a while, and its DNS name does not resolve yet."""
    found = _file_system(backend, file_system_id)
    if found.life_cycle_state != "available":
        raise Refused(
            409,
            "IncorrectFileSystemLifeCycleState",
            f"File system '{file_system_id}' is in life cycle state "
            f"'{found.life_cycle_state}'.",
        )
    made = original(backend, file_system_id, *arguments, **keywords)
    interface = backend.ec2_backend.get_network_interface(made.network_interface_id)
    own(
        interface,
        f"EFS mount target for {file_system_id} ({made.mount_target_id})",
        "efs",
    )
    made.life_cycle_state = "creating"
    _context.later(MOUNT_TARGET_CREATE, lambda: _set(made, "available"))
    return made


def delete_mount_target(backend, original, mount_target_id):
    """The mount target is deleting for a while; a second request is refused meanwhile."""
    found: MountTarget = backend.mount_targets_by_id.get(mount_target_id)
    if found is None:
        raise exceptions.MountTargetNotFound(mount_target_id)
    if found.life_cycle_state == "deleting":
        raise Refused(
            409,
            "IncorrectMountTargetState",
            f"Mount target '{mount_target_id}' is in life cycle state 'deleting'.",
        )
    found.life_cycle_state = "deleting"
    _context.later(MOUNT_TARGET_DELETE, lambda: original(backend, mount_target_id))


def create_access_point(backend, original, client_token, *, file_system_id, **keywords):
    """A repeated client token is refused with the ID of the existing access point."""
    _file_system(backend, file_system_id)
    for known in backend.access_points.values():
        if known.client_token == client_token:
            raise Refused(
                409,
                "AccessPointAlreadyExists",
                f"Access point already exists with client token {client_token}",
                AccessPointId=known.access_point_id,
            )
    made = original(backend, client_token, file_system_id=file_system_id, **keywords)
    made.life_cycle_state = "creating"
    _context.later(ACCESS_POINT_CREATE, lambda: _set(made, "available"))
    return made


def delete_access_point(backend, original, access_point_id):
    """An access point that does not exist cannot be deleted."""
    if access_point_id not in backend.access_points:
        raise exceptions.AccessPointNotFound(access_point_id)
    original(backend, access_point_id)


def put_file_system_policy(backend, original, file_system_id, policy, **keywords):
    """The policy must be a policy document, and the file system must exist."""
    _file_system(backend, file_system_id)
    try:
        json.loads(policy)
    except ValueError:
        raise Refused(
            400, "InvalidPolicyException", "Policy is not valid JSON."
        ) from None
    original(backend, file_system_id, resource_policies.stored(policy), **keywords)


def describe_file_system_policy(backend, original, file_system_id):
    """The file system must exist."""
    _file_system(backend, file_system_id)
    return original(backend, file_system_id)


def _access_point_json(original):
    def info_json(point):
        answer = original(point)
        answer["LifeCycleState"] = point.life_cycle_state
        return answer

    return info_json


def _file_system_json(original):
    """Remove moto's own members, and the policy, from the description."""

    def info_json(found):
        answer = original(found)
        answer.pop("FileSystemPolicy", None)
        return {key: value for key, value in answer.items() if value is not None}

    return info_json
