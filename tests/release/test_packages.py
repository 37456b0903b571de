# SPDX-License-Identifier: BSD-3-Clause
"""What contrib/debian says agrees with what the build installs. contrib/release builds the packages and tries them."""

import json
import re
import subprocess
from pathlib import PurePosixPath

import pytest

from conftest import BUILD, ROOT

DEBIAN = ROOT / "contrib/debian"


def listed(package):
    """What a package takes from the build: files and directories."""
    return (DEBIAN / f"{package}.install").read_text().split()


@pytest.fixture(scope="module")
def installed():
    """The files that the build installs, with the prefix /usr."""
    def introspect(what):
        return json.loads(subprocess.run(["meson", "introspect", what, BUILD], capture_output=True, check=True).stdout)

    options = {option["name"]: option["value"] for option in introspect("--buildoptions")}
    paths = [PurePosixPath(path) for path in introspect("--installed").values()]
    return [str("usr" / path.relative_to(options["prefix"])) for path in paths]


def takes(package, path):
    return any(path == entry or path.startswith(f"{entry}/") for entry in listed(package))


def test_every_installed_file_is_in_one_package(installed):
    assert "usr/bin/vastfs" in installed
    packages = {path: [name for name in ("vastfs", "vastfs-sandbox") if takes(name, path)] for path in installed}
    assert {path: names for path, names in packages.items() if len(names) != 1} == {}


def test_every_listed_file_is_installed(installed):
    entries = [entry for package in ("vastfs", "vastfs-sandbox") for entry in listed(package)]
    assert [entry for entry in entries if not any(path == entry or path.startswith(f"{entry}/") for path in installed)] == []


def test_the_version_is_the_build_s():
    version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text()).group(1)
    assert (DEBIAN / "changelog").read_text().startswith(f"vastfs ({version}) ")
    assert f"\n## {version}\n" in (ROOT / "NEWS.md").read_text()


def test_the_licence_is_the_project_s():
    def words(text):
        return re.sub(r"^ \.$", "", text, flags=re.MULTILINE).split()

    licence = words((ROOT / "LICENSE").read_text())
    assert " ".join(licence) in " ".join(words((DEBIAN / "copyright").read_text()))
