# SPDX-License-Identifier: BSD-3-Clause
"""What the tree does, in the fewest words: the reference that test_model.py compares a mount with.

It knows the names, the open files and the settings of one mount without a cloud, and at most one operation in flight.
An operation that the tree refuses raises Refused, which carries the path that `error` must name; an error that the
kernel makes by itself is a plain OSError.
"""

import errno
import os
import select

from settings_language import is_right, parse_line

SETTINGS = "config/default.env"
SETTINGS_MAX = 65536
FILES_MAX = 64
FILE_MAX = 1 << 20
REST_KEPT_S = 10
ALWAYS_READY = select.POLLIN | select.POLLOUT
# Files that cannot be written, and files that act, with whether acting takes an operation.
READ_ONLY = {"README", "status", "stack/plan", "operations/latest/state"}
CONTROL = {"control/deploy": True, "control/refresh": False}
DIRECTORIES = {"", "config", "control", "tasks", "stack", "operations", "operations/latest"}


class Refused(OSError):
    def __init__(self, number, path):
        super().__init__(number, os.strerror(number), path)
        self.path = path


def from_kernel(number):
    return OSError(number, os.strerror(number))


def parent(path):
    return path.rpartition("/")[0]


def put(text, data, at, most, path):
    """Writes into a bytearray; a gap is filled with NUL."""
    if at + len(data) > most:
        raise Refused(errno.EFBIG, path)
    text.extend(bytes(max(0, at - len(text))))
    text[at:at + len(data)] = data


def resize(text, size, most, path):
    if size > most:
        raise Refused(errno.EFBIG, path)
    text.extend(bytes(max(0, size - len(text))))
    del text[size:]


class Handle:
    """An open file; this class is one that can only be read, whose text the reference does not know."""
    known = False
    ready = select.POLLIN

    def __init__(self, tree, path, flags):
        self.tree, self.path, self.flags = tree, path, flags
        self.writable = flags & os.O_ACCMODE != os.O_RDONLY
        self.readable = flags & os.O_ACCMODE != os.O_WRONLY

    def read(self, offset, size):
        if not self.readable:
            raise from_kernel(errno.EBADF)
        return self.content()[offset:offset + size]

    def content(self):
        return b""

    def write(self, data, offset):
        if not self.writable:
            raise from_kernel(errno.EBADF)
        self.put(data, offset)

    def truncate(self, size):
        if not self.writable:
            raise from_kernel(errno.EINVAL)
        self.resize(size)

    def resize(self, size):
        pass

    def poll(self):
        return self.ready

    def close(self):
        pass


class StateHandle(Handle):
    """The state of an operation; exceptional events say that it has changed since it was read."""
    known = True

    def __init__(self, tree, path, flags):
        super().__init__(tree, path, flags)
        self.operation = tree.operations[-1]
        self.seen = self.operation["state"]

    def content(self):
        return self.operation["state"].encode() + b"\n"

    def read(self, offset, size):
        self.text = self.content() if offset == 0 or not hasattr(self, "text") else self.text
        if offset == 0 or self.text == self.content():
            self.seen = self.text.decode().strip()
        return self.text[offset:offset + size]

    def poll(self):
        news = self.seen != self.operation["state"]
        return select.POLLIN | (select.POLLPRI | select.POLLERR if news else 0)


class ControlHandle(Handle):
    """Each write is a command; what was written is answered by the result of its operation."""

    def __init__(self, tree, path, flags):
        super().__init__(tree, path, flags)
        self.written = self.spoilt = False
        self.operation = None

    @property
    def known(self):
        return self.written or not self.readable

    def content(self):
        if self.operation and self.operation["state"] == "running":
            raise from_kernel(errno.EAGAIN)
        if self.operation:
            raise from_kernel(errno.EIO)
        return b""

    def put(self, data, offset):
        if self.spoilt:
            raise from_kernel(errno.EINVAL)  # `error` has its line already
        if data.strip(b" \t\r\n") not in (b"", b"1"):
            self.spoilt = True
            raise Refused(errno.EINVAL, self.path)
        self.operation = self.tree.act(self.path)
        self.written = True

    def poll(self):
        return 0 if self.operation and self.operation["state"] == "running" else ALWAYS_READY


class MemoryHandle(Handle):
    """A temporary file in config/; it lives on in its handles when its name is gone."""
    known = True
    ready = ALWAYS_READY

    def __init__(self, tree, path, flags):
        super().__init__(tree, path, flags)
        self.file = tree.files[path]
        if flags & os.O_TRUNC:
            self.file.clear()

    def content(self):
        return bytes(self.file)

    def put(self, data, offset):
        at = len(self.file) if self.flags & os.O_APPEND else offset
        put(self.file, data, at, FILE_MAX, self.path)

    def resize(self, size):
        resize(self.file, size, FILE_MAX, self.path)


class SettingsHandle(Handle):
    """The settings; who may write has a draft of its own, which close saves."""
    known = True
    ready = ALWAYS_READY

    def __init__(self, tree, path, flags):
        super().__init__(tree, path, flags)
        self.fresh = bool(flags & os.O_TRUNC)
        if self.fresh and self.writable:
            tree.keep_rest(b"")
        self.begin()

    def begin(self):
        """A draft begins with the text in force, or with what was written over it and waits to be cut or filled."""
        self.text = bytearray() if self.fresh else bytearray(self.tree.start_of_draft())
        self.base = None if self.fresh else self.tree.settings
        self.dirty = self.spoilt = False
        self.end = 0

    def read(self, offset, size):
        if not self.readable:
            raise from_kernel(errno.EBADF)
        if not self.writable:
            self.text = self.tree.settings if offset == 0 or not hasattr(self, "shown") else self.text
            self.shown = True
        elif offset == 0 and not self.dirty and not self.fresh and not self.spoilt:
            self.begin()
        return bytes(self.text[offset:offset + size])

    def put(self, data, offset):
        if self.spoilt:
            raise from_kernel(self.spoilt)  # `error` has its line already
        if not self.dirty and not self.fresh:
            self.begin()
        appends = self.flags & os.O_APPEND
        at = len(self.text) if appends else offset
        try:
            put(self.text, data, at, SETTINGS_MAX, self.path)
            if not is_right(self.text, 0 if appends else at, at + len(data)):
                raise Refused(errno.EINVAL, self.path)
        except Refused as refused:
            self.spoilt = refused.errno
            self.tree.keep_rest(None)
            raise
        self.end = at + len(data)
        self.dirty = True

    def resize(self, size):
        if size == len(self.text) and not self.spoilt:
            return
        if size == 0:
            self.tree.keep_rest(b"")
        resize(self.text, size, SETTINGS_MAX, self.path)
        self.fresh = True
        self.dirty = self.dirty or size > 0

    def close(self):
        if self.spoilt:
            raise from_kernel(self.spoilt)  # `error` has its line already
        if self.dirty:
            self.save()

    def save(self):
        if self.base is not None and self.base != self.tree.settings:
            raise Refused(errno.EBUSY, self.path)
        if is_right(self.text):
            return self.tree.save(bytes(self.text))
        in_place = not self.fresh and not self.flags & os.O_APPEND and 0 < self.end < len(self.text)
        if not in_place or not is_right(self.text[:self.end]):
            self.tree.keep_rest(None)
            raise Refused(errno.EINVAL, self.path)
        return self.tree.keep_rest(bytes(self.text))


class Tree:
    def __init__(self, settings, clock):
        self.clock = clock
        self.operations = [{"state": "failed"}]
        self.files = {}
        self.save(settings)

    def save(self, text):
        self.settings = text
        self.has_settings = True
        self.keep_rest(None)

    def keep_rest(self, text):
        self.overwritten, self.overwritten_at = text, self.clock()

    def start_of_draft(self):
        if self.clock() - self.overwritten_at > REST_KEPT_S:
            self.keep_rest(None)
        return self.settings if self.overwritten is None else self.overwritten

    def running(self):
        return bool(self.operations) and self.operations[-1]["state"] == "running"

    def admit(self, path):
        if not CONTROL[path]:
            return
        if self.running():
            raise Refused(errno.EBUSY, path)
        values = dict(filter(None, map(parse_line, self.settings.split(b"\n"))))
        if not all(values.get(key) for key in (b"aws_region", b"vpc_id", b"subnet_cidr")):
            raise Refused(errno.EINVAL, path)

    def act(self, path):
        self.admit(path)
        if not CONTROL[path]:
            return None
        self.operations.append({"state": "running"})
        return self.operations[-1]

    def end(self, state):
        self.operations[-1]["state"] = state

    def exists(self, path):
        if path == SETTINGS:
            return self.has_settings
        if path.startswith("operations/latest"):
            return bool(self.operations)
        return path in self.files or path in READ_ONLY or path in CONTROL or path in DIRECTORIES

    def require(self, *paths):
        for path in paths:
            if not self.exists(path):
                raise from_kernel(errno.ENOENT)

    def listing(self):
        return {path.rpartition("/")[2] for path in [*self.files] + [SETTINGS] * self.has_settings}

    def add_file(self, path):
        if len(self.files) >= FILES_MAX and path not in self.files:
            raise Refused(errno.ENOSPC, path)
        self.files[path] = bytearray()

    def open(self, path, flags):
        if not self.exists(path):
            self.require(parent(path))
            if not flags & os.O_CREAT:
                raise from_kernel(errno.ENOENT)
            self.make(path)
            flags |= os.O_TRUNC
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            raise from_kernel(errno.EEXIST)
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        if path in READ_ONLY and (writes or flags & os.O_TRUNC):
            raise Refused(errno.EPERM, path) if os.geteuid() == 0 else from_kernel(errno.EACCES)
        if path in CONTROL and writes:
            self.admit(path)
        return self.kind(path)(self, path, flags)

    def make(self, path):
        if parent(path) != "config":
            raise Refused(errno.EPERM, path)
        if path == SETTINGS:
            self.has_settings = True
        else:
            self.add_file(path)

    def kind(self, path):
        if path == SETTINGS:
            return SettingsHandle
        if path in CONTROL:
            return ControlHandle
        if path in READ_ONLY:
            return StateHandle if path.endswith("/state") else Handle
        return MemoryHandle

    def touch(self, path):
        self.require(path)
        if path in CONTROL:
            self.act(path)

    def truncate(self, path, size):
        self.require(path)
        if path == SETTINGS and size == 0:
            self.keep_rest(b"")
        elif path == SETTINGS and size != len(self.settings):
            raise Refused(errno.EINVAL, path)
        if path in READ_ONLY:
            raise Refused(errno.EPERM, path) if os.geteuid() == 0 else from_kernel(errno.EACCES)
        if path in self.files:
            resize(self.files[path], size, FILE_MAX, path)

    def unlink(self, path):
        self.require(path)
        if path == SETTINGS:
            self.has_settings = False
        elif path not in self.files:
            raise Refused(errno.EPERM, path)
        else:
            del self.files[path]

    def rename(self, path, new_path):
        self.require(path, parent(new_path))
        if path == new_path:
            return
        if parent(path) != parent(new_path) or parent(path) != "config":
            raise Refused(errno.EPERM, path)
        if path == SETTINGS:
            self.add_file(new_path)
            self.files[new_path] = bytearray(self.settings)
            self.has_settings = False
        elif new_path == SETTINGS:
            self.use(path)
        else:
            self.files[new_path] = self.files.pop(path)

    def use(self, path):
        text = bytes(self.files[path])
        if not text.strip(b" \t\r\n") or not is_right(text):
            raise Refused(errno.EINVAL, SETTINGS)
        if len(text) > SETTINGS_MAX:
            raise Refused(errno.EFBIG, path)
        del self.files[path]
        self.save(text)

    def make_other(self, path):
        """A directory, a hard link, a symbolic link to no task: none of them is for this tree."""
        self.require(parent(path))
        if self.exists(path):
            raise from_kernel(errno.EEXIST)
        raise Refused(errno.EPERM, path)

    def symlink(self, path):
        if parent(path) == "tasks":
            raise from_kernel(errno.ENOENT)
        self.make_other(path)
