# SPDX-License-Identifier: BSD-3-Clause
"""Listings: the kernel keeps them, and shows each change at once; a listing in parts survives changes between them."""

import ctypes
import os
import struct

from conftest import SETTINGS

SYS_GETDENTS64 = {"x86_64": 217, "aarch64": 61}[os.uname().machine]
PART = 64  # bytes: one or two entries


def part_of_listing(directory):
    """The next names of an open directory, as the kernel returns them to a small buffer."""
    buffer = ctypes.create_string_buffer(PART)
    size = ctypes.CDLL(None, use_errno=True).syscall(SYS_GETDENTS64, directory, buffer, PART)
    assert size >= 0, os.strerror(ctypes.get_errno())
    at, names = 0, []
    while at < size:
        length = struct.unpack_from("H", buffer, at + 16)[0]
        names.append(buffer.raw[at + 19:at + length].split(b"\0")[0].decode())
        at += length
    return names


def test_a_file_is_listed_as_soon_as_it_is_there(mount):
    config = mount.path / "config"
    for n in range(300):
        (config / f"{n}").touch()
        assert f"{n}" in os.listdir(config)
        (config / f"{n}").rename(config / f"{n}~")
        assert set(os.listdir(config)) == {"default.env", f"{n}~"}
        (config / f"{n}~").unlink()
        assert os.listdir(config) == ["default.env"]


def test_an_entry_that_the_tree_makes_is_listed_at_once(mount):
    """The kernel does not see these changes, because nothing was created or removed through the mount."""
    (mount.path / "config/default.env").write_text(SETTINGS)
    history = mount.path / "import/history"
    for n in range(1, 30):
        times = os.stat(history).st_mtime_ns
        (mount.path / "import/suricata").write_text("{}\n")
        assert str(n) in os.listdir(history) and len(os.listdir(history)) == n
        assert os.stat(history).st_mtime_ns != times


def test_a_listing_in_parts_has_each_entry_once(mount):
    config = mount.path / "config"
    stay = {f"stay-{n}" for n in range(20)}
    for n in range(20):
        (config / f"stay-{n}").touch()
        (config / f"gone-{n}").touch()
    directory, seen, removed = os.open(config, os.O_RDONLY | os.O_DIRECTORY), [], 0
    while names := part_of_listing(directory):
        seen += names
        if removed < 20:
            (config / f"gone-{removed}").unlink()
            (config / f"late-{removed}").touch()
            os.listdir(config)  # another program lists meanwhile
            removed += 1
    os.close(directory)
    assert len(seen) == len(set(seen)) and stay | {".", "..", "default.env"} <= set(seen)


def test_a_directory_can_be_read_from_a_saved_position(mount):
    control = os.open(mount.path / "control", os.O_RDONLY | os.O_DIRECTORY)
    first = part_of_listing(control)
    place = os.lseek(control, 0, os.SEEK_CUR)
    second = part_of_listing(control)
    os.lseek(control, place, os.SEEK_SET)
    assert part_of_listing(control) == second != first
    os.lseek(control, 0, os.SEEK_SET)
    assert part_of_listing(control) == first
    os.close(control)
