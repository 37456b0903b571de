# SPDX-License-Identifier: BSD-3-Clause
"""Where a process of a task or function runs: inside its image.

bubblewrap gives it the image's root directory (which cannot be written), its
own processes, devices and /tmp, and nothing of this machine but the network:
tasks have loopback addresses, and the Runtime API is on one, too.
"""

import shutil
from pathlib import Path

from . import programs
from .images import Image, Unusable

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ImagePlace:
    """An image that is ready to run things."""

    inside = True  # what is started is bubblewrap; the program is its child

    def __init__(self, image: Image):
        self.image = image
        self.root = image.root()
        self.settings = image.configuration.get("config") or {}

    def environment(self) -> dict:
        """The variables that the image sets."""
        pairs = (word.partition("=") for word in self.settings.get("Env") or [])
        return {"PATH": PATH, **{name: value for name, _, value in pairs}}

    def command(self, entry_point, command) -> list:
        """As every container engine has it: an entry point of one's own also
        replaces the image's command."""
        if entry_point:
            return [*entry_point, *(command or [])]
        command = command or self.settings.get("Cmd") or []
        return [*(self.settings.get("Entrypoint") or []), *command]

    def working_directory(self, given=None) -> str:
        return given or self.settings.get("WorkingDir") or "/"

    def volumes(self) -> list:
        """Paths that the image wants to be written to."""
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
        """programs.CannotRun if it cannot be started."""
        programs.find(self.root, program, search, directory)

    def argv(self, command, user, directory: str, binds=(), first=False, tmp=0) -> list:
        """What to run on this machine. `binds` are (source, path, read-only);
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
        """This machine's name servers, if the image has a place for them."""
        place = self.root.resolve(["etc", "resolv.conf"])
        if place is None or not Path("/etc/resolv.conf").exists():
            return []
        return ["--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf"]
