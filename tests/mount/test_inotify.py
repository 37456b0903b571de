# SPDX-License-Identifier: BSD-3-Clause
"""Changes that come by themselves are seen by who watches files: file managers, tail -F, inotifywait."""

import os
import subprocess

import pytest
from conftest import until
from unmounting import unmount
from watching import Watch


def test_the_end_of_an_operation_is_an_event(mount):
    mount.deploy()
    watch = Watch(mount, "operations/1", "operations/latest/state", "status", "status.svg", "overview.html")
    mount.cancel()
    watch.wait(*((p, "changed") for p in ("operations/1/state", "operations/1/result", "operations/1/exit_code",
                                          "operations/1/error", "operations/latest/state", "status", "status.svg",
                                          "overview.html")))
    until(lambda: mount.read("operations/latest/state") not in ("queued\n", "running\n"), "the end")
    watch.close()


def test_a_new_operation_is_a_new_directory(mount):
    watch = Watch(mount, ".", "operations")
    mount.deploy()
    watch.wait(("operations/1", "created"), ("operations/latest", "created"), ("./status", "changed"),
               ("./events.log", "changed"))
    assert sorted(os.listdir(mount.path / "operations")) == ["1", "latest"]
    assert os.readlink(mount.path / "operations/latest") == "1"
    assert mount.read("operations/latest/name") == "deploy\n"
    mount.cancel()
    until(lambda: mount.read("operations/latest/state") not in ("queued\n", "running\n"), "the end")
    mount.ok("touch control/refresh; echo x > control/nothing || touch control/destroy")
    watch.wait(("operations/2", "created"), ("operations/latest", "changed"), ("./error", "changed"))
    watch.close()


def test_a_working_directory_stays_one(mount):
    """The kernel makes the directory once more for the event; who is inside already is not disturbed."""
    watch = Watch(mount, "operations")
    mount.configure()
    shell = subprocess.Popen(["bash", "-c", "touch control/deploy; cd operations/1; read; /bin/pwd; cat name; ls .. | wc -l"],
                             cwd=mount.path, env=mount.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    watch.wait(("operations/1", "created"))
    out, _ = shell.communicate("\n", timeout=60)
    assert out == f"{mount.path}/operations/1\ndeploy\n2\n"
    watch.close()


def test_the_touches_start_nothing(mount):
    watch = Watch(mount, ".", "control", "operations", "config", "lambda")
    mount.deploy()
    mount.cancel()
    watch.wait(("operations/1", "created"), ("./status", "changed"))
    mount.shell("cat operations/latest/result")
    assert len(os.listdir(mount.path / "operations")) == 2
    assert "EPERM" not in mount.read("error")
    watch.close()




@pytest.mark.parametrize("watched", [(), ("operations", ".")])
def test_an_unmount_after_a_change_succeeds(unmounted, watched):
    """A change is reported to watchers some time after it: a script that unmounts has long been done."""
    busy = 0
    for n in range(20):
        unmounted.start()
        watch = Watch(unmounted, *watched)
        (unmounted.path / "config/default.env").write_text(f"stage=s{n}\n")
        busy += subprocess.run(["fusermount3", "-u", unmounted.path], capture_output=True, check=False).returncode != 0
        unmount(unmounted.path) if os.path.ismount(unmounted.path) else None
        unmounted.process.wait(60)
        watch.close()
    assert busy <= 1  # a busy machine may stop the helper within a call
