# SPDX-License-Identifier: BSD-3-Clause
"""Service Quotas, and a new account's limits of Lambda."""

from conftest import refused


def value(sandbox, service, code):
    quotas = sandbox.client("service-quotas")
    return quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]


def test_quotas(sandbox):
    assert value(sandbox, "ec2", "L-0263D0A3") == 5
    assert value(sandbox, "vpc", "L-FE5A380F") == 5
    sandbox.control("POST", "quotas", {"addresses": 7, "fargate_vcpus": 2})
    assert value(sandbox, "ec2", "L-0263D0A3") == 7
    assert value(sandbox, "fargate", "L-3032A538") == 2
    sandbox.control("POST", "quotas", {})
    assert value(sandbox, "ec2", "L-0263D0A3") == 5
    get = sandbox.client("service-quotas").get_service_quota
    refused("NoSuchResourceException", get, ServiceCode="ec2", QuotaCode="L-00000000")


def test_a_new_account(sandbox):
    client = sandbox.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]
    assert limit["ConcurrentExecutions"] == 1000
    sandbox.control("POST", "quotas", {"new_account": True})
    limit = client.get_account_settings()["AccountLimit"]
    assert limit["ConcurrentExecutions"] == 10
    error = refused(
        "InvalidParameterValueException",
        client.create_function,
        FunctionName="large",
        PackageType="Image",
        Role="arn:aws:iam::123456789012:role/x",
        Code={"ImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/x:y"},
        MemorySize=3009,
    )
    assert "less than or equal to 3008" in error["Error"]["Message"]
