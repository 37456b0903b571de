# SPDX-License-Identifier: BSD-3-Clause
"""The image's way into ECR as a user meets it: moved tags, pushes that are cut short, images that do not fit."""

import gzip
import hashlib
import io
import json
import shutil
import platform
import tarfile
from pathlib import Path

import pytest
from vastfs_sandbox.seed import image as seed_image

from conftest import RUNTIME, until

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
#: far longer than a test lasts
FOR_EVER = 600
#: so many answers of the storage are as always: the config's and those of the seed's two layers
BEFORE_THE_TROUBLE = 3


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files: dict) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Layout:
    """An OCI image layout that is being made."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "blobs/sha256").mkdir(parents=True)

    def put(self, kind, data):
        """A blob; its descriptor."""
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        (self.directory / "blobs" / digest(data).replace(":", "/")).write_bytes(data)
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    def image(self, tars, base=(), config=None, architecture="amd64"):
        """A manifest of the base's layers and of these; its descriptor."""
        config = config or {"architecture": architecture, "os": "linux", "config": {},
                            "rootfs": {"type": "layers", "diff_ids": []}}
        config["rootfs"]["diff_ids"] += [digest(one) for one in tars]
        layers = [*base, *(self.put(LAYER, gzip.compress(one, 1, mtime=0)) for one in tars)]
        return self.put(MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": self.put(CONFIG, config), "layers": layers})

    def finish(self, entry):
        (self.directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        return self.directory


def on_seed(directory, *tars):
    """The sandbox's small image with more layers."""
    seed = seed_image.make(with_engine=False)
    layout = Layout(directory)
    shutil.copytree(seed / "blobs", directory / "blobs", dirs_exist_ok=True)
    entry = json.loads((seed / "index.json").read_text())["manifests"][0]
    manifest = json.loads((seed / "blobs" / entry["digest"].replace(":", "/")).read_text())
    config = json.loads((seed / "blobs" / manifest["config"]["digest"].replace(":", "/")).read_text())
    config["history"] += [{"created_by": "test"} for _ in tars]
    return layout.finish(layout.image(tars, manifest["layers"], config))


class Images:
    """What is pushed to the mirror under one name, and what becomes of it."""

    def __init__(self, cloud, tree, directory):
        self.cloud, self.tree, self.directory = cloud, tree, directory
        self.name = f"lab/{tree.stage}:latest"
        self.pushed = 0

    def seed(self, make, *arguments):
        self.pushed += 1
        layout = make(self.directory / str(self.pushed), *arguments)
        self.cloud.control("POST", "mirror", {"image": self.name, "layout": str(layout)})

    def push(self, *words):
        """An image with a layer for each of the words; the first is in /etc/word."""
        self.seed(on_seed, *(tar_of({"etc/word" if not n else f"etc/{n}": w.encode()}) for n, w in enumerate(words)))

    def configure(self, **more):
        self.tree.configure(vast_image=self.name, **more)

    def asked(self, action, service="registry"):
        """The parameters of the requests for the stack's repository, or of those to the mirror for the image."""
        name = self.tree.name if service == "registry" else self.name.partition(":")[0]
        return [c["parameters"] | {"status": c["status"]} for c in self.cloud.control("GET", "journal")
                if c["service"] == service and action in (c["action"], "") and f"/v2/{name}/" in c["parameters"]["path"]]

    def sent(self):
        """The digests of the blobs that were stored, one for each time."""
        return [p["digest"] for p in self.asked("PutUpload") if p["status"] == 201]

    def kept(self):
        """The digests of the images that ECR has."""
        return {i["imageDigest"] for i in self.cloud.boto("ecr").describe_images(repositoryName=self.tree.name)["imageDetails"]}

    def deployed(self):
        return self.tree.value("stack/parameters/ImageUri").partition("@")[2]

    def in_use(self):
        """What the function runs."""
        name = self.tree.value("stack/outputs/FunctionName")
        return self.cloud.boto("lambda").get_function(FunctionName=name)["Code"]["ResolvedImageUri"].partition("@")[2]

    def stuck(self):
        """A deploy that waits for a layer's bytes; all others are there."""
        self.push(*(f"{self.tree.stage} {n}" for n in range(4)))
        self.configure()
        self.cloud.fault("storage:GetBlob", "delay", seconds=0, count=BEFORE_THE_TROUBLE)
        self.cloud.fault("storage:GetBlob", "delay", seconds=FOR_EVER, count=1)
        self.tree.bash("touch control/deploy")
        until(lambda: len(self.sent()) == 7, "all layers but one")
        assert len(self.asked("PatchUpload")) == 7 and len(self.asked("StartUpload")) == 8
        assert self.kept() == set() and not self.asked("PutManifest")


@pytest.fixture
def images(cloud, tree, tmp_path):
    return Images(cloud, tree, tmp_path)


def no_stack(cloud, tree):
    return tree.name not in {s["StackName"] for s in cloud.boto("cloudformation").describe_stacks()["Stacks"]}


def test_a_moved_tag_is_a_new_image(images, tree):
    images.push("one")
    images.configure()
    tree.operate("deploy")
    first = images.deployed()
    tree.operate("run-task")
    assert tree.query("cat /etc/word") == b"one" and images.in_use() == first
    images.push("two")
    result = tree.operate("deploy")
    second = images.deployed()
    assert f"@{second}, new" in result and "server outdated" in result and second != first
    assert tree.query("cat /etc/word") == b"two" and images.in_use() == second
    assert images.kept() == {first, second}, "the previous one is kept"
    assert tree.value("tasks/default/image").endswith(first)
    tree.operate("restart-task")
    assert tree.value("tasks/default/image").endswith(second)
    assert tree.query("cat /etc/word") == b"two"


def test_old_images_are_removed_when_nothing_runs_them(images, tree):
    digests = []
    for word in ("one", "two", "three", "four"):
        images.push(word)
        images.configure()
        tree.operate("deploy")
        digests.append(images.deployed())
        if word == "one":
            tree.operate("run-task")
    first, second, third, fourth = digests
    assert images.kept() == {first, third, fourth}, "current, previous, and the server's"
    tree.operate("restart-task")
    images.push("five")
    tree.operate("deploy")
    assert images.kept() == {fourth, images.deployed()}


def test_deploy_goes_back_to_the_image_before(images, tree, cloud):
    tree.operate("deploy")
    refused = "there is no previous image: no other image was deployed before\n"
    assert tree.operate("deploy", "previous", fails=True).startswith(refused)
    old = images.deployed()
    images.push("two")
    images.configure()
    tree.operate("deploy")
    new = images.deployed()
    tree.operate("deploy")  # without a change: the previous one stays the previous one
    result = tree.operate("deploy", "previous")
    assert f"@{old}, the one deployed before, assembled from tenzir/vast:latest" in result
    assert images.deployed() == old and images.in_use() == old and images.kept() == {old, new}
    assert f"vast_image: tenzir/vast:latest -> {images.name} (parameter BaseImage)" in tree.read("stack/plan")
    assert "settings differs" in tree.read("status")
    tree.operate("deploy", "previous")
    assert images.deployed() == new, "back from going back"
    cloud.boto("ecr").batch_delete_image(repositoryName=tree.name, imageIds=[{"imageDigest": old}])
    assert "was removed from the repository" in tree.operate("deploy", "previous", fails=True)
    assert tree.bash("echo next > control/deploy", check=False).returncode == 1
    assert "1 or previous" in tree.read("error")


def test_going_back_goes_on_after_kill_9(images, tree, cloud):
    images.push("one")
    images.configure()
    tree.operate("deploy")
    old = images.deployed()
    images.push("two")
    tree.operate("deploy")
    new = images.deployed()
    calls = cloud.calls("cloudformation:ExecuteChangeSet")
    tree.bash("echo previous > control/deploy")
    until(lambda: cloud.calls("cloudformation:ExecuteChangeSet") > calls, "the update")
    tree.kill()
    tree.mount()
    tree.bash("cat operations/latest/result")
    assert images.deployed() == old
    tree.operate("deploy", "previous")
    assert images.deployed() == new


def test_another_image_is_in_the_plan(images, tree):
    images.push("one")
    tree.operate("deploy")
    assert tree.read("stack/plan").startswith("up to date\n")
    images.configure()
    plan = tree.read("stack/plan")
    assert f"vast_image: tenzir/vast:latest -> {images.name}" in plan and "(assembled by deploy)" in plan
    assert "settings differs" in tree.read("status")
    tree.operate("deploy")
    assert tree.read("stack/plan").startswith("up to date\n") and "settings matches" in tree.read("status")
    assert tree.query("cat /etc/word") == b"one"


def test_nothing_new_is_a_few_questions(images, tree, cloud):
    images.push("one")
    images.configure()
    tree.operate("deploy")
    cloud.control("DELETE", "journal")
    result = tree.operate("deploy")
    assert "nothing to change" in result and "unchanged" in result
    ours, theirs = images.asked(""), images.asked("", "mirror")
    assert {p["method"] for p in ours + theirs} == {"HEAD"}
    assert len(ours) + len(theirs) <= 4, "with a token's for the mirror, five"
    assert cloud.calls("cloudformation:ExecuteChangeSet") == 0
    assert not cloud.boto("cloudformation").list_change_sets(StackName=tree.name)["Summaries"]


def test_a_push_can_be_cancelled_and_goes_on_later(images, tree, cloud):
    images.stuck()
    tree.bash("touch control/cancel")
    assert tree.bash("cat operations/latest/result", check=False).returncode == 1
    assert tree.value("operations/latest/state") == "cancelled"
    assert images.kept() == set() and no_stack(cloud, tree)
    before = images.sent()
    assert "is deployed" in tree.operate("deploy")
    after = images.sent()
    assert len(set(after)) == 8 and set(before) <= set(after)
    assert len(after) <= 8 + 3, "only what was missing is sent, and what was under way"
    assert images.kept() == {images.deployed()}
    assert tree.query("cat /etc/word") == f"{tree.stage} 0".encode()


def test_a_push_survives_kill_9(images, tree, cloud):
    images.stuck()
    tree.kill()
    assert images.kept() == set() and no_stack(cloud, tree)
    tree.mount()
    assert "is deployed" in tree.bash("cat operations/latest/result")
    assert "resumed after vastfs had ended" in tree.read("operations/latest/operation.log")
    sent = images.sent()
    assert len(set(sent)) == 8
    assert len(sent) <= 8 + 3, "only what was missing is sent, and what was under way"
    assert images.kept() == {images.deployed()}


def test_a_token_that_runs_out_is_replaced(images, tree, cloud):
    images.push(*(f"{tree.stage} {n}" for n in range(6)))
    images.configure()
    cloud.fault("mirror:GetBlob", "delay", seconds=0, count=BEFORE_THE_TROUBLE)
    cloud.fault("mirror:GetBlob", "expire", count=1)
    assert "is deployed" in tree.operate("deploy")
    statuses = [p["status"] for p in images.asked("GetBlob", "mirror")]
    assert 401 in statuses and statuses[-1] == 307
    sent = images.sent()
    assert len(set(sent)) == 10
    assert len(sent) <= 10 + 3, "of what was there, nothing is sent again; three others may have been under way"


def amd64_only(directory):
    layout = Layout(directory)
    return layout.finish(layout.image([tar_of({"bin/sh": b"#!"})]))


def amd64_index(directory):
    layout = Layout(directory)
    entry = layout.image([tar_of({"bin/sh": b"#!"})]) | {"platform": {"os": "linux", "architecture": "amd64"}}
    return layout.finish(layout.put(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}))


@pytest.mark.parametrize("make", [amd64_only, amd64_index])
def test_an_image_for_another_processor(images, tree, cloud, make):
    if not Path(f"{RUNTIME}-arm64").exists():
        pytest.skip("there is no runtime for arm64")
    images.seed(make)
    images.configure(architecture="arm64")
    before = {a: cloud.calls(a) for a in ("ecr:CreateRepository", "efs:CreateFileSystem", "cloudformation:CreateChangeSet")}
    error = tree.operate("deploy", fails=True)
    assert "linux/arm64" in error and "linux/amd64" in error and until(lambda: "architecture" in tree.read("error"), "the line")
    assert {a: cloud.calls(a) for a in before} == before, "nothing is made"
    assert no_stack(cloud, tree)


def test_an_image_that_is_not_there(images, tree, cloud):
    images.configure()
    before = {a: cloud.calls(a) for a in ("ecr:CreateRepository", "efs:CreateFileSystem")}
    error = tree.operate("deploy", fails=True)
    assert images.name.partition(":")[0] in error and "check the name and tag" in error
    assert {a: cloud.calls(a) for a in before} == before, "nothing is made"


def without_shell(directory):
    layout = Layout(directory)
    architecture = seed_image.MACHINES[platform.machine()]
    return layout.finish(layout.image([tar_of({"opt/only": b"no shell here"})], architecture=architecture))


def test_an_image_without_a_shell(images, tree):
    images.seed(without_shell)
    images.configure()
    assert "is deployed" in tree.operate("deploy")
    done = tree.bash("echo 'echo hello' > lambda/query; cat lambda/result", check=False)
    assert done.returncode == 1 and done.stdout == b""
    assert tree.value("lambda/state") == "failed"
    assert "The image has no /bin/sh" in tree.read("lambda/error")
    assert tree.read("lambda/stderr") == ""
