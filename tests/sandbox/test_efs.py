# SPDX-License-Identifier: BSD-3-Clause
"""EFS: file systems, access points and policies as AWS has them."""

import json

from conftest import refused

VPC = "vpc-0123456789abcdef0"


def test_file_systems(sandbox):
    efs = sandbox.client("efs")
    made = efs.create_file_system(
        CreationToken="x", Encrypted=True, ThroughputMode="elastic"
    )["FileSystemId"]
    again = refused(
        "FileSystemAlreadyExists", efs.create_file_system, CreationToken="x"
    )
    assert again["FileSystemId"] == made
    efs.put_file_system_policy(FileSystemId=made, Policy='{"Statement": []}')
    point = efs.create_access_point(ClientToken="p", FileSystemId=made)
    same = refused(
        "AccessPointAlreadyExists",
        efs.create_access_point,
        ClientToken="p",
        FileSystemId=made,
    )
    assert same["AccessPointId"] == point["AccessPointId"]
    subnet = sandbox.client("ec2").describe_subnets(
        Filters=[{"Name": "vpc-id", "Values": [VPC]}]
    )["Subnets"][0]["SubnetId"]
    target = efs.create_mount_target(FileSystemId=made, SubnetId=subnet)
    refused("FileSystemInUse", efs.delete_file_system, FileSystemId=made)
    refused(
        "MountTargetConflict",
        efs.create_mount_target,
        FileSystemId=made,
        SubnetId=subnet,
    )
    efs.delete_mount_target(MountTargetId=target["MountTargetId"])
    efs.delete_file_system(FileSystemId=made)
    refused("FileSystemNotFound", efs.describe_file_systems, FileSystemId=made)


def test_policies_come_back_in_the_form_of_aws(sandbox):
    efs = sandbox.client("efs")
    made = efs.create_file_system(CreationToken="y")["FileSystemId"]
    refused("PolicyNotFound", efs.describe_file_system_policy, FileSystemId=made)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["123456789012"]},
        "Action": ["elasticfilesystem:ClientMount"],
    }
    efs.put_file_system_policy(
        FileSystemId=made, Policy=json.dumps({"Statement": statement})
    )
    (kept,) = json.loads(efs.describe_file_system_policy(FileSystemId=made)["Policy"])[
        "Statement"
    ]
    assert kept["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert kept["Action"] == "elasticfilesystem:ClientMount"
    efs.delete_file_system(FileSystemId=made)
