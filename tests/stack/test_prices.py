# SPDX-License-Identifier: BSD-3-Clause
"""The cost in status, stack/plan and results, computed here a second time from AWS's price lists."""

import re

import pytest
from conftest import SERVER, VPC, until

HOURS = 730
#: US dollars by region: NAT gateway and its data, address, Fargate's vCPU, GB and disk on x86_64 and on arm64, EFS
#: storage, data read and written, CloudWatch Logs
COLUMNS = ("nat", "nat data", "address", "cpu", "memory", "arm cpu", "arm memory", "disk", "efs", "efs read", "efs write", "logs")
LISTS = {
    "us-east-1": (0.045, 0.045, 0.005, 0.04048, 0.004445, 0.03238, 0.00356, 0.000111, 0.30, 0.03, 0.06, 0.50),
    "eu-west-1": (0.048, 0.048, 0.005, 0.04048, 0.004445, 0.03238, 0.00356, 0.000111, 0.33, 0.03, 0.07, 0.57),
    "eu-central-1": (0.052, 0.052, 0.005, 0.04656, 0.00511, 0.03725, 0.00409, 0.000127, 0.36, 0.04, 0.07, 0.63),
    "eu-north-1": (0.046, 0.046, 0.005, 0.0445, 0.0049, 0.8 * 0.0445, 0.8 * 0.0049, 0.00012, 0.33, 0.03, 0.06, 0.54),
}
#: of every region
QUERY_SECOND, REQUESTS, STREAMED, IMAGES, OUT = 0.0000166667, 0.20, 0.008, 0.10, 0.09
SETTINGS = [
    {},
    {"architecture": "arm64", "server_cpu": "4096", "server_memory": "16384", "server_disk_size": "120"},
    {"server_cpu": "512", "server_memory": "1024", "vast_storage": "ephemeral", "lambda_memory": "1024"},
]


def price(region, what):
    return LISTS.get(region, LISTS["us-east-1"])[COLUMNS.index(what)]


def about(region):
    """What is not us-east-1's own price is marked."""
    return "" if region == "us-east-1" else "about "


def server(region, settings):
    """The task while it runs, for a month."""
    arm = "arm " if settings.get("architecture") == "arm64" else ""
    cpu, memory = int(settings.get("server_cpu", 2048)) / 1024, int(settings.get("server_memory", 4096)) / 1024
    disk = max(0, int(settings.get("server_disk_size", 20)) - 20)
    hourly = cpu * price(region, f"{arm}cpu") + memory * price(region, f"{arm}memory") + disk * price(region, "disk")
    return HOURS * hourly


def idle(region):
    return HOURS * (price(region, "nat") + price(region, "address"))


def by_use(region, settings):
    """The unit prices of what depends on use: name and dollars."""
    found = {"NAT gateway, data": price(region, "nat data"), "CloudWatch Logs, ingestion": price(region, "logs"),
             "ECR storage": IMAGES, "data out to the Internet": OUT}
    if settings.get("vast_storage") != "ephemeral":
        found |= {"EFS storage": price(region, "efs"), "EFS, data read": price(region, "efs read"),
                  "EFS, data written": price(region, "efs write")}
    return found


@pytest.mark.parametrize("region", [*LISTS, "ap-northeast-1"])
def test_the_plan(tree, region):
    for settings in SETTINGS:
        tree.configure(aws_region=region, **settings)
        plan = until(lambda: "cost by item\n" in (p := tree.read("stack/plan")) and p, "the plan")
        word, rate, stopped = about(region), idle(region) + server(region, settings), idle(region)
        assert (f"cost while the server runs: {word}${rate:.2f} a month; "
                f"while it is stopped: {word}${stopped:.2f} a month") in plan, (region, settings)
        items = plan.split("cost by item\n")[1]
        amounts = [float(a) for a in re.findall(r": (?:about )?\$([0-9.]+) a month$", items, re.M)]
        assert sum(amounts) == pytest.approx(rate, abs=0.005 * len(amounts))
        for line in re.findall(r"^    .*: ([0-9.]+) .*s at (?:about )?\$([0-9.]+): (?:about )?\$([0-9.]+) a month$", items, re.M):
            quantity, unit, amount = map(float, line)
            assert quantity * unit == pytest.approx(amount, abs=0.006)
        units = {n: float(d) for n, d in re.findall(r"^    (.*?): (?:about )?\$([0-9.]+) for each ", items, re.M)}
        assert {n: units.get(n) for n in by_use(region, settings)} == by_use(region, settings)
        assert ("EFS storage" in units) == (settings.get("vast_storage") != "ephemeral")
        memory = int(settings.get("lambda_memory", 2048)) / 1024
        second = float(re.search(r"each second of a query: \$([0-9.]+)", items)[1])
        assert settings.get("architecture") == "arm64" or second == pytest.approx(memory * QUERY_SECOND, rel=1e-4)
        assert ("(prices of us-east-1, because there is no list for this region)" in items) == (region not in LISTS)


@pytest.fixture
def abroad(cloud):
    """make(region): a VPC for the stack there."""
    import boto3

    def make(region):
        ec2 = boto3.client("ec2", endpoint_url=cloud.endpoint, region_name=region, aws_access_key_id=cloud.facts["access_key"],
                           aws_secret_access_key=cloud.facts["secret_key"])
        vpc = ec2.create_vpc(CidrBlock="10.60.0.0/24")["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        return vpc

    return make


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-northeast-1"])
def test_status_and_results(tree, cloud, abroad, region):
    tree.configure(aws_region=region, vpc_id=abroad(region), subnet_cidr="10.60.0.0/27")
    word, still, running = about(region), idle(region), idle(region) + server(region, {})
    result = tree.operate("deploy")
    assert f"cost while the server runs: {word}${running:.2f} a month; while it is stopped: {word}${still:.2f} a month" in result
    assert f"cost {word}${still:.2f} a month plus use\n" in tree.read("status")
    tree.operate("run-task")
    assert f"cost {word}${running:.2f} a month plus use\n" in tree.read("status")
    cloud.control("POST", "file-system", {"name": tree.name, "bytes": 7_250_000_000})
    tree.bash("touch control/refresh")
    storage = 7.25 * price(region, "efs")
    until(lambda: f"cost {word}${running + storage:.2f} a month plus use\n" in tree.read("status"), "the storage")
    assert f"{word}${still:.2f} a month" in tree.operate("stop-all-tasks")
    assert f"7.250 GB, {word}${storage:.2f} a month" in tree.operate("destroy")
