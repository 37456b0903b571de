# SPDX-License-Identifier: BSD-3-Clause
"""discover/: what the account offers, and a default.env for it."""

import contextlib
import os

import pytest
from botocore.parsers import ResponseParserError
from conftest import VPC, Tree, until

from watching import Watch

BARE = "vpc-0123456789abcdef1"
HOSTILE = "a\"b'<script>alert(1)</script>\nvpc_id=vpc-00000000\n\x1b[31m"
#: each call of a round, and the file of a VPC that needs it
PARTS = {
    "DescribeInternetGateways": "internet_gateway",
    "DescribeSubnets": "subnets",
    "DescribeVpcPeeringConnections": "peerings",
    "DescribeVpcAttribute": "dns_support",
    "DescribeVpcBlockPublicAccessOptions": "block_public_access",
    "DescribeDhcpOptions": "dns_servers",
}


def state(tree):
    return tree.value("discover/status").splitlines()[0].split()[1]


@contextlib.contextmanager
def mounted(cloud, base, **environment):
    tree = Tree(cloud, base, **environment).mount()
    try:
        yield tree
    finally:
        cloud.control("DELETE", "faults")
        tree.unmount()


@pytest.fixture
def newcomer(cloud, tmp_path):
    """A mount without default.env; the environment names the region."""
    with mounted(cloud, tmp_path, AWS_REGION="eu-west-1") as tree:
        yield tree


def test_the_whole_start(newcomer):
    until(lambda: state(newcomer) == "ready", "the VPCs")
    assert newcomer.value(f"discover/vpcs/{VPC}/fits") == "yes"
    assert newcomer.value(f"discover/vpcs/{VPC}/default") == "yes"
    assert newcomer.value(f"discover/vpcs/{VPC}/internet_gateway").startswith("igw-")
    assert newcomer.value(f"discover/vpcs/{BARE}/fits") == "no"
    assert f"{BARE} has no Internet gateway attached; attach one" in newcomer.read(f"discover/vpcs/{BARE}/reasons")
    done = newcomer.bash("cp discover/suggested.env config/default.env && touch control/deploy && cat operations/latest/result")
    assert "is deployed" in done
    assert "The stack is deployed" in newcomer.read("discover/suggested.env")
    newcomer.bash("echo purge > control/destroy && cat operations/latest/result")


def test_it_is_read_once_and_at_refresh(newcomer, cloud):
    until(lambda: state(newcomer) == "ready", "the VPCs")
    before = cloud.calls("ec2:DescribeVpcs")
    newcomer.bash("cat $(find discover -type f) > /dev/null; ls -lR discover > /dev/null")
    newcomer.configure()
    newcomer.bash("touch control/destroy; cat operations/latest/result")
    assert cloud.calls("ec2:DescribeVpcs") == before
    newcomer.bash("touch control/refresh")
    until(lambda: cloud.calls("ec2:DescribeVpcs") == before + 1, "the call")


def test_hostile_names(cloud, newcomer):
    ec2 = cloud.boto("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": HOSTILE}]}]
    with contextlib.suppress(ResponseParserError):  # the reply repeats the control character, which XML does not allow
        ec2.create_vpc(CidrBlock="10.66.0.0/24", TagSpecifications=tags)
    newcomer.bash("touch control/refresh")
    find = "grep -l script discover/vpcs/*/name"
    until(lambda: newcomer.bash(find, check=False).stdout, "the VPC")
    text = newcomer.read(newcomer.bash(find).strip())
    assert text == "a\"b'<script>alert(1)</script>\\nvpc_id=vpc-00000000\\n\\x1b[31m\n"
    suggested = newcomer.read("discover/suggested.env")
    assert [line for line in suggested.splitlines() if line.startswith("vpc_id")] == [f"vpc_id={VPC}"]
    assert "\x1b" not in suggested
    newcomer.bash("cp discover/suggested.env config/default.env")
    cloud.fault("ec2:DescribeVpcs", "error", code="UnauthorizedOperation", message="<b>\nno", count=1)
    newcomer.bash("touch control/refresh")
    until(lambda: state(newcomer) == "failed", "the failure")
    assert f"vpc_id={VPC}\n" in newcomer.read("discover/suggested.env")  # the settings in force stay in it


def test_each_call_may_be_denied(newcomer, cloud):
    until(lambda: state(newcomer) == "ready", "the VPCs")
    for action, name in PARTS.items():
        cloud.fault(f"ec2:{action}", "error", status=403, code="UnauthorizedOperation", message="not authorized", count=0)
        newcomer.bash("touch control/refresh")
        words = f"unknown: the credentials lack the permission ec2:{action}"
        until(lambda: newcomer.value(f"discover/vpcs/{VPC}/{name}") == words, f"{name} without {action}")
        assert newcomer.value(f"discover/vpcs/{VPC}/cidr") == "172.31.0.0/16"
        assert newcomer.value(f"discover/vpcs/{VPC}/tenancy") == "default"
        assert f": the credentials lack the permission ec2:{action}" in newcomer.read("discover/status")
        assert f"# Not checked: the credentials lack the permission ec2:{action}." in newcomer.read("discover/suggested.env")
        cloud.control("DELETE", "faults")
    cloud.fault("ec2:DescribeVpcs", "error", status=403, code="UnauthorizedOperation", message="no", count=1)
    newcomer.bash("touch control/refresh")
    until(lambda: state(newcomer) == "failed", "the failure")
    assert "vpc_id=" not in newcomer.read("discover/suggested.env")
    assert os.listdir(newcomer.path / "discover/vpcs") == []


def test_no_region_and_no_credentials(cloud, tmp_path):
    with mounted(cloud, tmp_path, AWS_EC2_METADATA_DISABLED="true") as tree:
        until(lambda: state(tree) == "failed", "the failure")
        assert "no region is known" in tree.read("discover/status")
        assert tree.bash("grep -v '^#' discover/suggested.env", check=False).stdout == b""
        tree.write("config/default.env", "aws_region=eu-west-1\nstage=mine\n")
        until(lambda: state(tree) == "ready", "the VPCs")
        assert "stage=mine" in tree.read("discover/suggested.env")
        tree.write("config/default.env", "aws_region=us-east-1\n")
        until(lambda: "region us-east-1" in tree.read("discover/status") and state(tree) == "ready", "the other region")
        assert VPC not in os.listdir(tree.path / "discover/vpcs")
    other = tmp_path / "other"
    other.mkdir()
    with mounted(cloud, other, AWS_REGION="eu-west-1", AWS_EC2_METADATA_DISABLED="true", AWS_ACCESS_KEY_ID="") as tree:
        until(lambda: state(tree) == "failed", "the failure")
        assert "credentials" in tree.read("discover/suggested.env")
    expired = tmp_path / "expired"
    expired.mkdir()
    cloud.fault("*:*", "error", status=400, code="RequestExpired", message="Request has expired.", count=0)
    with mounted(cloud, expired, AWS_REGION="eu-west-1") as tree:
        until(lambda: state(tree) == "failed", "the failure")
        assert "has expired" in tree.read("discover/status")
        cloud.control("DELETE", "faults")
        tree.bash("touch control/refresh")
        until(lambda: state(tree) == "ready", "the VPCs")


def test_a_large_account(cloud, newcomer):
    """Many VPCs, a full one, one with a secondary block."""
    ec2 = cloud.boto("ec2")
    made = [ec2.create_vpc(CidrBlock=f"10.{n}.0.0/24")["Vpc"]["VpcId"] for n in range(100, 140)]
    cloud.control("DELETE", "journal")
    full, second = made[0], made[1]
    for n in range(8):
        ec2.create_subnet(VpcId=full, CidrBlock=f"10.100.0.{n * 32}/27")
    ec2.associate_vpc_cidr_block(VpcId=second, CidrBlock="10.251.0.0/25")
    newcomer.bash("touch control/refresh")
    until(lambda: len(os.listdir(newcomer.path / "discover/vpcs")) >= len(made), "the list")
    assert newcomer.read(f"discover/vpcs/{full}/free_cidrs") == ""
    assert f"{full} has no free block of /27 or larger" in newcomer.read(f"discover/vpcs/{full}/reasons")
    assert newcomer.read(f"discover/vpcs/{second}/cidr") == "10.101.0.0/24\n10.251.0.0/25\n"
    assert newcomer.read(f"discover/vpcs/{second}/free_cidrs") == "10.101.0.0/24\n10.251.0.0/25\n"
    assert f"vpc_id={VPC}" in newcomer.read("discover/suggested.env")
    assert cloud.calls("ec2:DescribeVpcAttribute") == 40
    unread = newcomer.bash("grep -l 'unknown: one of the attributes which are read for 20 VPCs' discover/vpcs/*/dns_support").split()
    assert len(unread) == len(os.listdir(newcomer.path / "discover/vpcs")) - 20
    # What the settings name is read first, and it is known of the others that it is not known whether they fit.
    chosen = unread[-1].split("/")[2]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=chosen)
    newcomer.write("config/default.env", f"aws_region=eu-west-1\nvpc_id={chosen}\n")
    newcomer.bash("touch control/refresh")
    until(lambda: newcomer.value(f"discover/vpcs/{chosen}/dns_support") == "yes", "the attribute")


def test_a_watcher_hears_of_a_new_vpc(cloud, newcomer):
    until(lambda: state(newcomer) == "ready", "the VPCs")
    ec2 = cloud.boto("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.88.0.0/24")["Vpc"]["VpcId"]
    watch = Watch(newcomer, "discover/vpcs")
    newcomer.bash("touch control/refresh")
    watch.wait((f"discover/vpcs/{vpc}", "created"))
    ec2.delete_vpc(VpcId=vpc)
    newcomer.bash("touch control/refresh")
    watch.wait((f"discover/vpcs/{vpc}", "deleted"))
    watch.close()


def kept_out_of_settings(text):
    """The lines of a default.env that are no comments; all of it is printable."""
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    return [line for line in text.splitlines() if line and not line.startswith("#")]


#: what a Name tag may hold (256 characters), and what would leave the comment, the terminal or the page
NAMES = ("\nstage=evil", "\r\nstage=evil", "\u2028stage=evil", "\x85stage=evil", "'\"$(touch /tmp/x)`id`", "<img src=x onerror=alert(1)>",
         "\u202eevil\u2066", "\u200b\ufeff", "]]>&lt;!--", "x" * 256, "\u20ac" * 256, "# stage=evil", "vpc_id=vpc-00000000")


def test_no_name_leaves_its_line(cloud, newcomer):
    ec2 = cloud.boto("ec2")
    made = {}
    for n, name in enumerate(NAMES):
        vpc = ec2.create_vpc(CidrBlock=f"10.70.{n}.0/24")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.70.{n}.0/27")["Subnet"]["SubnetId"]
        ec2.create_tags(Resources=[vpc, subnet], Tags=[{"Key": "Name", "Value": name}])
        made[vpc] = name
    newcomer.bash("touch control/refresh")
    until(lambda: set(made) <= set(os.listdir(newcomer.path / "discover/vpcs")), "the VPCs")
    for vpc, name in made.items():
        for file in "name", "subnets", "reasons":
            text = newcomer.read(f"discover/vpcs/{vpc}/{file}")
            if file == "reasons":
                assert all(line.startswith((vpc, "not checked: ")) for line in text.splitlines()), (name, text)
            else:
                assert text.count("\n") == 1, (name, text)
            assert all(c == "\n" or c.isprintable() for c in text), (name, text)
        if name.isascii() and name.isprintable():
            assert newcomer.value(f"discover/vpcs/{vpc}/name") == name
    settings = kept_out_of_settings(newcomer.read("discover/suggested.env"))
    assert [line.partition("=")[0] for line in settings] == ["aws_region", "vpc_id", "subnet_cidr"]
    newcomer.bash("cp discover/suggested.env config/default.env")
    assert "stage default\n" in newcomer.read("status")
    assert "<img" not in newcomer.read("overview.html") and "\u202e" not in newcomer.read("overview.html")
    for vpc in made:  # the tests that follow have fewer VPCs to read
        for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        ec2.delete_vpc(VpcId=vpc)


def test_a_reply_that_makes_no_sense_is_missing(cloud, newcomer):
    until(lambda: state(newcomer) == "ready", "the VPCs")
    for n, action in enumerate(PARTS):
        cloud.fault(f"ec2:{action}", "garbage" if n % 2 else "truncate_framed", count=0)
    newcomer.bash("touch control/refresh")
    for action, name in PARTS.items():
        words = f"unknown: ec2:{action} failed: "
        until(lambda n=name, w=words: newcomer.value(f"discover/vpcs/{VPC}/{n}").startswith(w), f"{name} without {action}")
    assert newcomer.value(f"discover/vpcs/{VPC}/fits") == "unknown"
    assert len(kept_out_of_settings(newcomer.read("discover/suggested.env"))) <= 3
    cloud.control("DELETE", "faults")
    newcomer.bash("touch control/refresh")
    until(lambda: newcomer.value(f"discover/vpcs/{VPC}/fits") == "yes", "the right replies")


def test_a_kill_while_the_vpcs_are_read(cloud, newcomer):
    until(lambda: state(newcomer) == "ready", "the VPCs")
    cloud.fault("ec2:DescribeSubnets", "delay", seconds=300, count=1)
    before = cloud.calls("ec2:DescribeVpcs")
    newcomer.bash("touch control/refresh")
    until(lambda: cloud.calls("ec2:DescribeVpcs") > before, "the refresh")
    newcomer.kill()
    newcomer.mount()
    until(lambda: state(newcomer) == "ready", "the VPCs")
    assert f"vpc_id={VPC}\n" in newcomer.read("discover/suggested.env")
