"""What runs inside a task: a local process for each container.

Without an image's root file system the process runs on this machine, with
nothing but a clean environment, a directory of its own and, in front of all
other programs, the sandbox's `vast` command. Two variables tell that command
what the network and the mounts of a container would have told it:
VASTFS_SANDBOX_ADDRESS, the task's own loopback address, and
VASTFS_SANDBOX_STORAGE, the directory that its storage is mounted from.
"""

import os
import shutil
import time
from pathlib import Path

from moto.efs.models import efs_backends

from . import logs, processes

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMMAND_FILE = Path(__file__).parents[1] / "vast"
ENGINE_PROGRAMS = ("tenzir", "tenzir-node", "tenzir-ctl")
DEFAULT_STOP_TIMEOUT = 30
#: however fast AWS's time runs, a real program needs some of ours to end
LEAST_GRACE = 5.0


class StartFailure(Exception):
    """Why a container could not be started, in AWS's words."""


def prepare_programs(context) -> Path:
    """The directory that comes first in PATH: `vast`, and the engine if any."""
    directory = context.run_dir / "bin"
    directory.mkdir(parents=True, exist_ok=True)
    link(directory / "vast", COMMAND_FILE)
    engine = os.environ.get("VASTFS_SANDBOX_ENGINE")
    for name in ENGINE_PROGRAMS if engine else ():
        link(directory / name, Path(engine) / name)
    return directory


def link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def clean_environment(context, home: Path) -> dict:
    """What every process of the sandbox gets, and nothing of the caller's."""
    return {
        "PATH": f"{context.run_dir / 'bin'}:{PATH}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
    }


class Container:
    """One container of a task: its definition, its process, its log."""

    def __init__(self, context, task, definition: dict, override: dict):
        self.context = context
        self.task = task
        self.definition = definition
        self.override = override
        self.name = definition["name"]
        self.essential = definition.get("essential", True)
        self.directory = task.directory / self.name
        self.environment = {}
        self.process = None
        self.capture = None

    def start(self, on_exit) -> None:
        """Run it; StartFailure says why not."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.environment = self._environment()
        output = self._open_output()
        try:
            self.process = processes.spawn(
                self._command(), self.environment, self.directory, output
            )
        except processes.SpawnError as error:
            raise StartFailure(cannot_start(self._command()[0], error)) from error
        finally:
            self.capture.started() if self.capture else os.close(output)
        self.process.on_exit(on_exit)

    def _command(self) -> list:
        command = self.override.get("command") or self.definition.get("command") or []
        command = self.definition.get("entryPoint", []) + command
        if not command:
            raise StartFailure("CannotStartContainerError: no command specified")
        return command

    def _environment(self) -> dict:
        environment = clean_environment(self.context, self.directory)
        environment.update(
            AWS_EXECUTION_ENV="AWS_ECS_FARGATE",
            AWS_REGION=self.task.region_name,
            AWS_DEFAULT_REGION=self.task.region_name,
            VASTFS_SANDBOX_ADDRESS=self.task.address or self.context.host,
            VASTFS_SANDBOX_STORAGE=str(self._storage()),
        )
        for source in (self.definition, self.override):
            for pair in source.get("environment") or []:
                environment[pair["name"]] = pair["value"]
        return environment

    def _storage(self) -> Path:
        """The directory behind the first mount point; else one of the task's."""
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
    def exit_code(self):
        """None as long as there is none."""
        return self.process.exit_code if self.process else None

    @property
    def grace(self) -> float:
        """Seconds of this machine between SIGTERM and SIGKILL."""
        timeout = self.definition.get("stopTimeout") or DEFAULT_STOP_TIMEOUT
        return min(timeout, max(self.context.scaled(timeout), LEAST_GRACE))

    def close(self) -> None:
        """Its last words into the log."""
        if self.capture:
            self.capture.close()


def stop_all(containers) -> None:
    """SIGTERM to each, SIGKILL when its time is over; returns when all ended."""
    running = [container for container in containers if container.running]
    for container in running:
        container.process.terminate()
    begin = time.monotonic()
    for container in running:
        left = begin + container.grace - time.monotonic()
        if not container.process.wait(max(left, 0)):
            container.process.kill()
            container.process.wait()
    for container in containers:
        container.close()


def file_system_directory(context, task, efs: dict) -> Path:
    """Where an EFS volume lives on this machine: it outlives the tasks.

    Fargate mounts by a name that resolves in zones with a mount target only.
    """
    backend = efs_backends[context.account_id][task.region_name]
    identity = efs.get("fileSystemId", "")
    file_system = backend.file_systems_by_id.get(identity)
    subnet = task.subnet()
    if not (file_system and subnet and file_system.has_mount_target(subnet)):
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


def cannot_start(program: str, error: OSError) -> str:
    what = "executable file not found in $PATH"
    if error.errno != 2:
        what = (error.strerror or "error").lower()
    return (
        "CannotStartContainerError: ResourceInitializationError: failed to create "
        "new container runtime task: failed to create shim task: OCI runtime create "
        "failed: runc create failed: unable to start container process: exec: "
        f'"{program}": {what}: unknown'
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


def remove(directory: Path) -> None:
    """A task's own storage ends with it."""
    shutil.rmtree(directory, ignore_errors=True)
