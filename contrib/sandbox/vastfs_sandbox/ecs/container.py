# SPDX-License-Identifier: BSD-3-Clause
"""The containers of a task; each is a local process.

The process runs inside its image (containers/image_place.py), with its volumes at
the paths of the task definition. VASTFS_SANDBOX_ADDRESS contains the task's own
loopback address, which a container on AWS would learn from its network.

containers/host_place.py runs images that are not in ECR; VASTFS_SANDBOX_STORAGE then
names the directory of the task's storage.
"""

import os
import time
from pathlib import Path

from moto.ec2.models import ec2_backends
from moto.efs.models import efs_backends

from ..containers import host_place, images, layers, processes, programs
from ..containers.image_place import ImagePlace
from ..ec2 import is_cut_off
from .. import logs

NO_COMMAND = "CannotStartContainerError: no command specified"
DEFAULT_STOP_TIMEOUT = 30
#: seconds of this machine that a program gets to end, however small the time scale
LEAST_GRACE = 5.0


class StartFailure(Exception):
    """A container could not be started; AWS's message."""


class Container:
    """One container of a task: its definition, its process and its log."""

    def __init__(self, context, task, definition: dict, override: dict):
        self.context = context
        self.task = task
        self.definition = definition
        self.override = override
        self.name = definition["name"]
        self.essential = definition.get("essential", True)
        self.directory = task.directory / self.name
        self.environment = {}
        self.working_directory = "/"
        self.inside = False
        self.process = None
        self.capture = None

    def start(self, on_exit) -> None:
        """Start the process; StartFailure says why it could not be started."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if host_place.stands_for(self.definition["image"]):
            argv, self.environment = self._on_host()
        else:
            argv, self.environment = self._in_image()
            self.inside = True
        output = self._open_output()
        try:
            self.process = processes.spawn(
                argv, self.environment, self.directory, output, self.inside, self._limits()
            )
        except processes.SpawnError as error:
            raise StartFailure(cannot_start(argv[0], error.strerror.lower())) from error
        finally:
            self.capture.started() if self.capture else os.close(output)
        self.process.on_exit(on_exit)

    def _on_host(self):
        """(argv, environment) on this machine, without an image."""
        command = self._given_command()
        command = self.definition.get("entryPoint", []) + command
        if not command:
            raise StartFailure(NO_COMMAND)
        environment = host_place.environment(self.context, self.directory)
        self.working_directory = str(self.directory)
        environment["VASTFS_SANDBOX_STORAGE"] = str(self._storage())
        return command, {**environment, **self._environment()}

    def _given_command(self) -> list:
        return self.override.get("command") or self.definition.get("command") or []

    def _in_image(self):
        """(argv, environment) inside the image."""
        try:
            place = ImagePlace(self._image())
            user = place.user(self.definition.get("user"))
        except images.Unusable as error:
            raise StartFailure(cannot_pull(str(error))) from error
        command = place.command(self.definition.get("entryPoint"), self._given_command())
        if not command:
            raise StartFailure(NO_COMMAND)
        environment = {"HOME": user[2], **place.environment(), **self._environment()}
        directory = place.working_directory(self.definition.get("workingDirectory"))
        self.working_directory = directory
        try:
            place.check(command[0], environment["PATH"], directory)
            argv = place.argv(command, user, directory, self._binds(place), first=True)
        except programs.CannotRun as error:
            raise StartFailure(cannot_start(error.program, error.reason)) from error
        except layers.Malformed as error:
            raise StartFailure(cannot_mount(str(error))) from error
        return argv, environment

    def _image(self):
        """The image for the task's architecture."""
        uri = self.definition["image"]
        subnet = self.task.subnet()
        if subnet and is_cut_off(subnet.ec2_backend, subnet.vpc_id):
            raise StartFailure(no_registry())
        platform = self.task.runtime_platform.get("cpuArchitecture", "X86_64")
        try:
            return images.locate(uri).for_platform(images.architecture(platform))
        except images.NotThere:
            why = f"failed to resolve ref {uri}: {uri}: not found"
            raise StartFailure(cannot_pull(why)) from None

    def _binds(self, place) -> list:
        """The mounts: first the task's volumes, then those of the image."""
        volumes = {volume["name"]: volume for volume in self.task.volumes}
        binds = {}
        for mount in self.definition.get("mountPoints") or []:
            volume = volumes.get(mount.get("sourceVolume"))
            if volume:
                path = os.path.normpath(mount["containerPath"])
                binds[path] = (self._volume(volume), path, bool(mount.get("readOnly")))
        for number, path in enumerate(place.volumes()):
            path = os.path.normpath(path)
            if path not in binds:
                source = self.directory / "volumes" / str(number)
                source.mkdir(parents=True, exist_ok=True)
                binds[path] = (source, path, False)
        return list(binds.values())

    def _environment(self) -> dict:
        environment = {
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": self.task.region_name,
            "AWS_DEFAULT_REGION": self.task.region_name,
            "VASTFS_SANDBOX_ADDRESS": self.task.address or self.context.host,
        }
        for source in (self.definition, self.override):
            for pair in source.get("environment") or []:
                environment[pair["name"]] = pair["value"]
        return environment

    def _limits(self) -> dict:
        """{name: (soft, hard)}"""
        return {
            limit["name"]: (limit["softLimit"], limit["hardLimit"])
            for limit in self.definition.get("ulimits") or []
        }

    def _storage(self) -> Path:
        """The directory of the first mount point, or one of the task's own."""
        volumes = {volume["name"]: volume for volume in self.task.volumes}
        for mount in self.definition.get("mountPoints") or []:
            volume = volumes.get(mount.get("sourceVolume"))
            if volume:
                return self._volume(volume)
        path = self.directory / "storage"
        path.mkdir(exist_ok=True)
        return path

    def _volume(self, volume: dict) -> Path:
        efs = volume.get("efsVolumeConfiguration")
        path = self.task.directory / "volumes" / volume["name"]
        if efs:
            path = file_system_directory(self.context, self.task, efs)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _open_output(self) -> int:
        """The descriptor that the process writes to."""
        log = self.definition.get("logConfiguration") or {}
        if log.get("logDriver") != "awslogs":
            return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        options = log.get("options") or {}
        group = options.get("awslogs-group", "")
        prefix = options.get("awslogs-stream-prefix", "ecs")
        stream = f"{prefix}/{self.name}/{self.task.id}"
        region = options.get("awslogs-region", self.task.region_name)
        writer = logs.Writer(self.context, group, stream, region)
        try:
            writer.open()
        except KeyError as error:
            raise StartFailure(no_log_group(group)) from error
        self.capture = logs.Capture(writer.put)
        return self.capture.write_fd

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    @property
    def program(self):
        """The process ID whose namespaces are entered: 0 if the container runs
        without an image, None if its program has not started yet."""
        return self.process.inner_program if self.inside else 0

    @property
    def ports(self) -> list:
        """The container's ports, as text."""
        mappings = self.definition.get("portMappings") or []
        return [str(mapping["containerPort"]) for mapping in mappings]

    @property
    def exit_code(self):
        """The exit code; None while the process runs."""
        return self.process.exit_code if self.process else None

    @property
    def grace(self) -> float:
        """Seconds of this machine between SIGTERM and SIGKILL."""
        timeout = self.definition.get("stopTimeout") or DEFAULT_STOP_TIMEOUT
        return min(timeout, max(self.context.scaled(timeout), LEAST_GRACE))

    def terminate(self) -> None:
        """Send SIGTERM to the first process."""
        self.process.terminate()

    def wait(self, timeout=None) -> bool:
        """Wait; True if the process has ended."""
        return self.process.wait(timeout)

    def kill(self) -> None:
        """Send SIGKILL to all of its processes."""
        if self.process:
            self.process.kill()

    def close(self) -> None:
        """Write the rest of the output to the log."""
        if self.capture:
            self.capture.close()


def stop_all(containers, deaf=None) -> None:
    """Send SIGTERM to each, and SIGKILL after its stop timeout; returns when all have ended.

    With `deaf` no SIGTERM is sent, and the timeout is that number of seconds of
    this machine (the usual timeout if 0).
    """
    running = [container for container in containers if container.running]
    for container in running if deaf is None else ():
        container.terminate()
    begin = time.monotonic()
    for container in running:
        left = begin + (deaf or container.grace) - time.monotonic()
        if not container.wait(max(left, 0)):
            container.kill()
            container.wait()
    for container in containers:
        container.close()


def file_system_directory(context, task, efs: dict) -> Path:
    """The directory of an EFS volume on this machine; it outlives the tasks.

    Fargate mounts by a DNS name, which only resolves in zones with a mount target.
    """
    backend = efs_backends[context.account_id][task.region_name]
    identity = efs.get("fileSystemId", "")
    file_system = backend.file_systems_by_id.get(identity)
    subnet = task.subnet()
    known = subnet and names_of_aws_resolve(backend, subnet)
    if not (file_system and known and file_system.has_mount_target(subnet)):
        raise StartFailure(unresolved(identity, task.region_name))
    path = efs.get("rootDirectory", "/")
    point = (efs.get("authorizationConfig") or {}).get("accessPointId")
    if point:
        access_point = backend.access_points.get(point)
        if access_point is None or access_point.file_system_id != identity:
            raise StartFailure(no_access_point(point))
        path = access_point.root_directory.get("Path", "/")
    root = context.run_dir / "efs" / identity
    return root / os.path.normpath("/" + path.lstrip("/")).lstrip("/")


def names_of_aws_resolve(backend, subnet) -> bool:
    """Only Amazon's DNS servers know the names of file systems."""
    vpc = ec2_backends[backend.account_id][backend.region_name].get_vpc(subnet.vpc_id)
    servers = vpc.dhcp_options and vpc.dhcp_options._options["domain-name-servers"]
    return not servers or "AmazonProvidedDNS" in servers


def cannot_start(program: str, why: str) -> str:
    return (
        "CannotStartContainerError: ResourceInitializationError: failed to create "
        "new container runtime task: failed to create shim task: OCI runtime create "
        "failed: runc create failed: unable to start container process: exec: "
        f'"{program}": {why}: unknown'
    )


def cannot_mount(why: str) -> str:
    return (
        "CannotStartContainerError: ResourceInitializationError: failed to create "
        "new container runtime task: failed to create shim task: OCI runtime create "
        f"failed: runc create failed: unable to start container process: {why}: unknown"
    )


def cannot_pull(why: str) -> str:
    return (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        + why
    )


def no_registry() -> str:
    return (
        "ResourceInitializationError: unable to pull secrets or registry auth: The task "
        "cannot pull registry auth from Amazon ECR: There is a connection issue between "
        "the task and Amazon ECR. Check your task network configuration."
    )


def no_log_group(_group: str) -> str:
    return (
        "ResourceInitializationError: failed to validate logger args: create stream "
        "has been retried 1 times: failed to create Cloudwatch log stream: "
        "ResourceNotFoundException: The specified log group does not exist. : exit "
        "status 1"
    )


def unresolved(identity: str, region: str) -> str:
    return (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up "
        f'EFS volumes: stderr: Failed to resolve "{identity}.efs.{region}.amazonaws'
        '.com" - check that your file system ID is correct, and ensure that the VPC '
        "has an EFS mount target for this file system ID. : unsuccessful EFS utils "
        "command execution; code: 1"
    )


def no_access_point(point: str) -> str:
    return (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up "
        "EFS volumes: stderr: b'mount.nfs4: access denied by server while mounting "
        f"127.0.0.1:/' (access point {point}) : unsuccessful EFS utils command "
        "execution; code: 32"
    )
