# SPDX-License-Identifier: BSD-3-Clause
"""contrib/try-on-aws against the sandbox: the whole try, ^C in the middle, and a stack that exists already."""

import os
import signal
import subprocess

import pytest
from conftest import DEADLINE, ROOT, SERVER, VASTFS, VPC, until


@pytest.fixture
def start(cloud, tmp_path):
    """start(stage, block): the script with these settings, as the leader of a process group."""
    running = []

    def begin(stage, block):
        settings = tmp_path / "settings.env"
        settings.write_text(f"aws_region=eu-west-1\nvpc_id={VPC}\nsubnet_cidr={block}\nstage={stage}\n"
                            f"vast_command={SERVER}\nimport_command=cat > /dev/null\n")
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "LANG": "C.UTF-8", "VASTFS": str(VASTFS),
               "AWS_ENDPOINT_URL": cloud.endpoint, "AWS_ACCESS_KEY_ID": cloud.facts["access_key"],
               "AWS_SECRET_ACCESS_KEY": cloud.facts["secret_key"], "VASTFS_REGISTRY_MIRROR": cloud.facts["registry_mirror"]}
        script = [ROOT / "contrib/try-on-aws", "--settings", settings, "--query", "echo engine", "--report", tmp_path / "report.txt"]
        process = subprocess.Popen(script, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, start_new_session=True)
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE)
    for mount in tmp_path.glob("try-on-aws-*/mnt"):
        subprocess.run(["fusermount3", "-u", "-z", mount], check=False, capture_output=True)


def left(cloud, stage):
    """What exists of a stage, by API."""
    name = f"vast-{stage}"
    stacks = [s["StackName"] for s in cloud.boto("cloudformation").describe_stacks()["Stacks"]]
    repositories = [r["repositoryName"] for r in cloud.boto("ecr").describe_repositories()["repositories"]]
    systems = [f["CreationToken"] for f in cloud.boto("efs").describe_file_systems()["FileSystems"]]
    return [kind for kind, names in (("stack", stacks), ("repository", repositories), ("file system", systems)) if name in names]


def test_the_whole_try_leaves_a_report_and_nothing_else(cloud, start, tmp_path):
    out, _ = start("try-a", "172.31.96.0/27").communicate("y\n", timeout=4 * DEADLINE)
    report = (tmp_path / "report.txt").read_text()
    assert "\nsucceeded\n" in report, out + report
    for step in ("deploy", "start the server", "a query", "import a sample", "exec in the container", "a shell in the container",
                 "restart the server", "destroy and purge", "nothing is left"):
        assert any(line.startswith("ok ") and line.endswith(f"  {step}") for line in report.splitlines()), (step, report)
    assert "Deploy this in eu-west-1 as vast-try-a" in out
    assert "vastfs 0." in report and "-- error" in report
    assert cloud.facts["account_id"] not in report and cloud.facts["secret_key"] not in report and cloud.facts["access_key"] not in report
    assert left(cloud, "try-a") == []
    assert not list(tmp_path.glob("try-on-aws-*"))


def test_a_break_in_the_middle_removes_what_was_made(cloud, start, tmp_path):
    process = start("try-b", "172.31.96.32/27")
    process.stdin.write("y\n")
    process.stdin.flush()
    until(lambda: "stack" in left(cloud, "try-b"), "the stack")
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=4 * DEADLINE)
    assert process.returncode == 130, out
    assert "\ninterrupted\n" in (tmp_path / "report.txt").read_text()
    assert left(cloud, "try-b") == []


def test_a_stage_that_exists_and_a_no_make_nothing(cloud, start, tmp_path):
    out, _ = start("try-c", "172.31.96.64/27").communicate("n\n", timeout=DEADLINE)
    assert "nothing was made" in out and left(cloud, "try-c") == []
    cloud.boto("cloudformation").create_stack(StackName="vast-try-c", TemplateBody='{"Resources":{"L":{"Type":"AWS::Logs::LogGroup"}}}')
    process = start("try-c", "172.31.96.64/27")
    out, _ = process.communicate("y\n", timeout=DEADLINE)
    assert process.returncode == 2 and "a stack vast-try-c exists already" in out
    assert left(cloud, "try-c") == ["stack"]
    cloud.boto("cloudformation").delete_stack(StackName="vast-try-c")
