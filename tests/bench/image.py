# SPDX-License-Identifier: BSD-3-Clause
"""How fast an image goes from registry to registry, and in how much memory: ratios of one run on this machine.

The same image goes between two of Debian's docker-registries, in turn by image-build (what deploy does) and by
skopeo, and by crane and regctl if they are in PATH, each time to a registry that is empty. Registries keep their data
in memory: disks are not what is measured.

usage: contrib/bench
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "image"))
from conftest import PROGRAM, RUNTIME, Image, Registry, environment, layer, make_certificate, until  # noqa: E402

NAME = "tenzir/vast"
BASE = 4 << 20
LAYERS = (40 << 20, 150 << 20, 10 << 20, 200 << 20, 100 << 20)
ROUNDS = 5


def make_image():
    """500 MB that no compression makes smaller, on a small base with a shell."""
    base = layer({"bin/busybox": os.urandom(BASE), "bin/sh": b"#!/bin/busybox sh\n"})
    return Image([base] + [layer({f"opt/{n}": os.urandom(size)}) for n, size in enumerate(LAYERS)])


def image_build(source, target, env):
    done = subprocess.run([PROGRAM, NAME, "x86_64", RUNTIME, target.url, "vast-default"],
                          env={**env, "VASTFS_REGISTRY_MIRROR": source.url}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def skopeo(source, target, env):
    subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false",
                    f"docker://{source.host}/{NAME}", f"docker://{target.host}/vast-default:latest"], env=env, check=True)


def crane(source, target, env):
    subprocess.run(["crane", "--insecure", "copy", f"{source.host}/{NAME}", f"{target.host}/vast-default:latest"], env=env,
                   stderr=subprocess.DEVNULL, check=True)


def regctl(source, target, env):
    hosts = [word for registry in (source, target)
             for word in ("--host", f"reg={registry.host},tls={'insecure' if registry.tls else 'disabled'}")]
    subprocess.run(["regctl", *hosts, "image", "copy", f"{source.host}/{NAME}", f"{target.host}/vast-default:latest"],
                   env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


OTHERS = [skopeo] + [program for program in (crane, regctl) if shutil.which(program.__name__)]


def processor_seconds():
    """Of the programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fresh_copy(copy, source, directory, env, certificate):
    """Seconds, seconds of a processor that the program itself needed, and what it answers."""
    with tempfile.TemporaryDirectory(dir=directory) as where:
        target = Registry(Path(where) / "target", certificate)
        try:
            start, used = time.perf_counter(), processor_seconds()
            answer = copy(source, target, env)
            return time.perf_counter() - start, processor_seconds() - used, answer
        finally:
            target.stop()


def settled(registries):
    """The number of requests once the logs are written: each registry answers one more request, which is the last."""
    for registry in registries:
        before = len(registry.requests())
        registry.answers()
        until(lambda: len(registry.requests()) > before, "the log")
    return sum(len(registry.requests()) for registry in registries)


def show(what, ours, theirs, unit, ratio):
    print(f"{what:58} {ours:7.2f} {unit:4} {theirs:7.2f} {unit:4} {ratio:7.2f}")


def look_at_speed(source, directory, env, certificate=None):
    copies = {copy: [] for copy in [image_build] + OTHERS}
    for _ in range(ROUNDS):
        for copy, done in copies.items():
            done.append(fresh_copy(copy, source, directory, env, certificate))
    ours, our_work, answers = zip(*copies[image_build])
    megabytes = answers[0]["bytes"] / 1e6
    memory = max(one["rss_kib"] for one in answers) / 1024
    print(f"an image of {megabytes:.0f} MB by {source.url.partition(':')[0]}, peak RSS {memory:.1f} MiB")
    for other in OTHERS:
        theirs, their_work, _ = zip(*copies[other])
        a, b = (megabytes / statistics.median(times) for times in (ours, theirs))
        show(f"  compared with {other.__name__}", a, b, "MB/s", statistics.median(b / a for a, b in zip(ours, theirs)))
        a, b = statistics.median(our_work), statistics.median(their_work)
        show("    the programs themselves, without the two registries", a, b, "s", b / a)


def look_at_nothing_changed(source, directory, env):
    target = Registry(directory / "unchanged")
    image_build(source, target, env)
    before = settled((source, target))
    answer = image_build(source, target, env)
    assert not answer["pushed"]
    print(f"{settled((source, target)) - before - 2} requests when nothing changed")
    target.stop()


def main():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        directory = Path(name)
        env = environment(directory)
        image, certificate = make_image(), make_certificate(directory)
        source = Registry(directory / "source")
        source.push(NAME, image)
        print(f"{'copying an image (ratio: how many times as fast)':58} {'vastfs':>12} {'other':>12}   ratio")
        look_at_speed(source, directory, env)
        look_at_nothing_changed(source, directory, env)
        source.stop()
        source = Registry(directory / "encrypted", certificate)
        source.push(NAME, image)
        look_at_speed(source, directory, {**env, "AWS_CA_BUNDLE": str(certificate)}, certificate)
        source.stop()


main()
