# SPDX-License-Identifier: BSD-3-Clause
"""Runs a process of a task or function inside its image.

Under bubblewrap the process has the image's root directory (read-only), its own
process IDs, devices and /tmp. It shares only the network with this machine:
tasks have loopback addresses, and so has the Runtime API.
"""

import shutil
from pathlib import Path

from . import programs
from .images import Image, Unusable

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ImagePlace:
    """An unpacked image, and the way a process is started in it."""

    inside = True  # the started process is bubblewrap; the program is its child

    def __init__(self, image: Image):
        self.image = image
        self.root = image.root()
        self.settings = image.configuration.get("config") or {}

    def environment(self) -> dict:
        """The variables that the image sets."""
        pairs = (word.partition("=") for word in self.settings.get("Env") or [])
        return {"PATH": PATH, **{name: value for name, _, value in pairs}}

    def command(self, entry_point, command) -> list:
        """The command line. As in every container engine, an explicit entry point
        also replaces the image's command."""
        if entry_point:
            return [*entry_point, *(command or [])]
        command = command or self.settings.get("Cmd") or []
        return [*(self.settings.get("Entrypoint") or []), *command]

    def working_directory(self, given=None) -> str:
        return given or self.settings.get("WorkingDir") or "/"

    def volumes(self) -> list:
        """Paths that the image declares as volumes."""
        return list(self.settings.get("Volumes") or {})

    def user(self, given=None):
        """(uid, gid, home) of a user by number or name; Unusable if unknown."""
        name, _, group = (given or self.settings.get("User") or "0").partition(":")
        for row in self._table("passwd"):
            if name in (row[0], row[2]):
                return int(row[2]), self._group(group or row[3]), row[5]
        if not name.isdigit():
            raise Unusable(f"unable to find user {name}: no matching entries in passwd file")
        return int(name), self._group(group or "0"), "/"

    def _group(self, name: str) -> int:
        for row in self._table("group"):
            if name == row[0]:
                return int(row[2])
        if not name.isdigit():
            raise Unusable(f"unable to find group {name}: no matching entries in group file")
        return int(name)

    def _table(self, name: str) -> list:
        path = self.root.resolve(["etc", name])
        if path is None or not path.is_file():
            return []
        rows = (line.split(":") for line in path.read_text("utf-8", "replace").splitlines())
        return [row for row in rows if len(row) >= (6 if name == "passwd" else 3)]

    def check(self, program: str, search: str, directory: str) -> None:
        """Raise programs.CannotRun if the program cannot be started."""
        programs.find(self.root, program, search, directory)

    def argv(self, command, user, directory: str, binds=(), first=False, tmp=0) -> list:
        """The command line on this machine. `binds` are (source, path, read-only);
        `first` makes the program process 1; `tmp` limits /tmp, in bytes."""
        uid, gid = user[:2]
        words = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--cap-drop", "ALL"]
        words += ["--unshare-user", "--uid", str(uid), "--gid", str(gid)]
        words += ["--unshare-pid", "--unshare-ipc", "--unshare-uts"]
        words += ["--as-pid-1"] if first else []
        for path in ("proc", "dev", "tmp", directory, *(path for _, path, _ in binds)):
            self.root.resolve(path.split("/"), make=True)
        words += ["--ro-bind", str(self.root.path), "/", "--proc", "/proc", "--dev", "/dev"]
        words += ["--perms", "1777", *(["--size", str(tmp)] if tmp else []), "--tmpfs", "/tmp"]
        for source, path, read_only in binds:
            words += ["--ro-bind" if read_only else "--bind", str(source), path]
        words += self._names()
        return [*words, "--chdir", directory, "--", *command]

    def _names(self) -> list:
        """Bind this machine's name servers, if the image has a file for them."""
        place = self.root.resolve(["etc", "resolv.conf"])
        if place is None or not Path("/etc/resolv.conf").exists():
            return []
        return ["--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf"]
