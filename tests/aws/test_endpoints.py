# SPDX-License-Identifier: BSD-3-Clause
"""Where requests go: vastfs and botocore, from the same environment and files, for every service, region and variant."""

import itertools
import subprocess
from unittest import mock

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from conftest import BUILD

#: vastfs calls a service as botocore does
SERVICES = ["cloudformation", "ec2", "ecr", "ecs", "efs", "iam", "kms", "lambda", "logs", "service-quotas", "ssm", "sso", "sso-oidc", "sts"]
REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "ap-southeast-7", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "us-iso-east-1",
           "us-isob-east-1", "eusc-de-east-1", "eu-isoe-west-1", "us-test-9"]
#: the rules, from which vastfs's table is made, have dual-stack endpoints there; botocore's older list, which it asks too, has none
NO_DUAL_STACK = "eu-isoe-west-1"
REFUSED = ("-", "refused")
VARIANTS = list(itertools.product((False, True), repeat=2))


class Place:
    """One home, asked of both."""

    def __init__(self, base):
        self.base = base
        self.config = ""
        self.shared = ""

    def env(self, more):
        (self.base / "config").write_text(self.config)
        (self.base / "credentials").write_text(self.shared)
        return {"AWS_CONFIG_FILE": str(self.base / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(self.base / "credentials"), "HOME": str(self.base),
                "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", **more}

    def ours(self, pairs, env):
        asked = "".join(f"{service} {region}\n" for service, region in pairs)
        done = subprocess.run([BUILD / "tests/aws/endpoint-dump"], input=asked, env=env, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()

    def theirs(self, pairs, env):
        with mock.patch.dict("os.environ", env, clear=True):
            return [botocore_goes_to(service, region) for service, region in pairs]

    def differences(self, pairs, more):
        env = self.env(more)
        return [(pair, ours, theirs) for pair, ours, theirs in zip(pairs, self.ours(pairs, env), self.theirs(pairs, env), strict=True)
                if ours != theirs and not (ours.split()[0] in REFUSED and theirs in REFUSED)]


class Sent(Exception):
    """What would have been sent."""


def botocore_goes_to(service, region):
    def stop(request, **_):
        raise Sent(request)

    try:
        session = botocore.session.Session()
        client = session.create_client(service, region_name=region, config=Config(retries={"total_max_attempts": 1}))
    except BotoCoreError:
        return "refused"
    client.meta.events.register("before-send", stop)
    operation, arguments = OPERATIONS.get(service, (None, {}))
    try:
        getattr(client, operation)(**arguments)
    except Sent as sent:
        request = sent.args[0]
        signed = request.headers.get("Authorization", b"")
        signed = signed.decode() if isinstance(signed, bytes) else signed
        url = request.url.split("?")[0]
        for path in PATHS.get(service, ("/",)):
            url = url.removesuffix(path)
        scope = signed.partition("Credential=")[2].split("/")
        return f"{url} {scope[2] if len(scope) > 2 else region}"
    except BotoCoreError:
        return "-"
    raise AssertionError("nothing was sent")


OPERATIONS = {"cloudformation": ("describe_stacks", {}), "ec2": ("describe_vpcs", {}), "ecr": ("describe_repositories", {}), "ecs": ("list_clusters", {}),
              "efs": ("describe_file_systems", {}), "iam": ("list_roles", {}), "kms": ("list_keys", {}), "lambda": ("list_functions", {}),
              "logs": ("describe_log_groups", {}), "service-quotas": ("list_services", {}),
              "ssm": ("describe_parameters", {}), "sts": ("get_caller_identity", {}),
              "sso": ("get_role_credentials", {"roleName": "r", "accountId": "1", "accessToken": "t"}),
              "sso-oidc": ("register_client", {"clientName": "n", "clientType": "public"})}
PATHS = {"efs": ("/2015-02-01/file-systems",), "lambda": ("/2015-03-31/functions", "/2015-03-31/functions/"), "sso": ("/federation/credentials",),
         "sso-oidc": ("/client/register",)}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.mark.parametrize("fips, dual", VARIANTS)
@pytest.mark.parametrize("service", SERVICES)
def test_every_region(place, service, fips, dual):
    more = {"AWS_USE_FIPS_ENDPOINT": str(fips).lower(), "AWS_USE_DUALSTACK_ENDPOINT": str(dual).lower()}
    regions = [region for region in REGIONS if not dual or region != NO_DUAL_STACK]
    assert place.differences([(service, region) for region in regions], more) == []


SECTION = "[default]\nservices = mine\n[services mine]\necs =\n  endpoint_url = http://ecs.example:1\ncloudwatch_logs =\n  endpoint_url = http://logs.example:2\n"
SOME = [("ecs", "eu-west-1"), ("logs", "eu-west-1"), ("sts", "us-east-1"), ("iam", "eu-west-1")]


@pytest.mark.parametrize("more, config, shared", [
    ({"AWS_ENDPOINT_URL": "http://all.example:4"}, "", ""),
    ({"AWS_ENDPOINT_URL": "http://all.example:4/path"}, "", ""),
    ({"AWS_ENDPOINT_URL": "http://all.example", "AWS_ENDPOINT_URL_ECS": "http://ecs.example"}, "", ""),
    ({"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://logs.example"}, "", ""),
    ({"AWS_ENDPOINT_URL_ECS": "", "AWS_ENDPOINT_URL": "http://all.example"}, "", ""),
    ({}, SECTION, ""),
    ({"AWS_ENDPOINT_URL": "http://all.example"}, SECTION, ""),
    ({"AWS_ENDPOINT_URL_ECS": "http://mine.example"}, SECTION, ""),
    ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "http://all.example"}, SECTION, ""),
    ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}, SECTION, ""),
    ({}, "[default]\nignore_configured_endpoint_urls = true\nendpoint_url = http://x.example\n", ""),
    ({}, "[default]\nendpoint_url = http://profile.example\n", ""),
    ({"AWS_PROFILE": "p"}, "[default]\nendpoint_url = http://default.example\n[profile p]\nregion = eu-west-1\n", ""),
    ({}, "", "[default]\nendpoint_url = http://shared.example\n"),
    ({}, "[default]\nservices = nowhere\n", ""),
    ({"AWS_USE_FIPS_ENDPOINT": "true", "AWS_ENDPOINT_URL": "http://all.example"}, "", ""),
    ({"AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_ENDPOINT_URL": "http://all.example"}, "", ""),
    ({}, "[default]\nuse_fips_endpoint = true\n", ""),
    ({}, "[default]\nuse_dualstack_endpoint = true\n", ""),
    ({"AWS_STS_REGIONAL_ENDPOINTS": "legacy"}, "", ""),
    ({"AWS_STS_REGIONAL_ENDPOINTS": "regional"}, "[default]\nsts_regional_endpoints = legacy\n", ""),
    ({}, "[default]\nsts_regional_endpoints = legacy\n", ""),
    ({"AWS_STS_REGIONAL_ENDPOINTS": "nonsense"}, "", ""),
])
def test_endpoints_of_ones_own(place, more, config, shared):
    place.config, place.shared = config, shared
    assert place.differences(SOME, more) == []


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1", "ap-south-1", "af-south-1", "cn-north-1", "us-gov-west-1"])
def test_sts_of_the_older_regions(place, region):
    assert place.differences([("sts", region)], {"AWS_STS_REGIONAL_ENDPOINTS": "legacy"}) == []
