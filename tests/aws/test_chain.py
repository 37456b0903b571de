# SPDX-License-Identifier: BSD-3-Clause
"""Which source gives the keys: decided by vastfs and by botocore from the same files and environment."""

import subprocess
from unittest import mock

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError
from conftest import BUILD

KEYS = "aws_access_key_id = {0}\naws_secret_access_key = s\n"
ENV = {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"}
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/web"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}
ROLE = "role_arn = arn:aws:iam::1:role/r\n"
SESSION = "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://x.example/start\n"
SSO = "sso_account_id = 1\nsso_role_name = Dev\n"
LEGACY = "sso_region = eu-west-1\nsso_start_url = https://x.example/start\n"
PROCESS = "credential_process = /bin/echo x\n"


def case(name, env=None, config="", shared="", profile=None):
    return pytest.param(env or {}, config, shared, profile, id=name)


CASES = [
    case("nothing"),
    case("nothing, no instance", {"AWS_EC2_METADATA_DISABLED": "true"}),
    case("metadata disabled with a one", {"AWS_EC2_METADATA_DISABLED": "1"}),
    case("environment", ENV),
    case("environment without a secret", {"AWS_ACCESS_KEY_ID": "ENV"}),
    case("environment with an empty key", {"AWS_ACCESS_KEY_ID": ""}, shared="[default]\n" + KEYS.format("SHARED")),
    case("environment before files", ENV, "[default]\n" + KEYS.format("CONFIG"), "[default]\n" + KEYS.format("SHARED")),
    case("a named profile before the environment", ENV, "", "[work]\n" + KEYS.format("SHARED"), "work"),
    case("environment before AWS_PROFILE", {**ENV, "AWS_PROFILE": "work"}, "", "[work]\n" + KEYS.format("SHARED")),
    case("environment, and a profile that is nowhere", {**ENV, "AWS_PROFILE": "nope"}),
    case("a profile that is nowhere", {"AWS_PROFILE": "nope"}, "", "[default]\n" + KEYS.format("SHARED")),
    case("a named profile that is nowhere", {}, "", "[default]\n" + KEYS.format("SHARED"), "nope"),
    case("AWS_PROFILE set to nothing", {"AWS_PROFILE": ""}, "", "[default]\n" + KEYS.format("SHARED")),
    case("AWS_DEFAULT_PROFILE wins", {"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"}, "",
         "[a]\n" + KEYS.format("A") + "[b]\n" + KEYS.format("B")),
    case("credentials file before config file", {}, "[default]\n" + KEYS.format("CONFIG"), "[default]\n" + KEYS.format("SHARED")),
    case("config file", {}, "[default]\n" + KEYS.format("CONFIG")),
    case("config file, quoted", {"AWS_PROFILE": "two words"}, '[profile "two words"]\n' + KEYS.format("CONFIG")),
    case("config file, a tab", {"AWS_PROFILE": "work"}, "[profile\twork]\n" + KEYS.format("CONFIG")),
    case("config file, three words", {"AWS_PROFILE": "two"}, "[profile two words]\n" + KEYS.format("CONFIG")),
    case("config file, no word profile", {"AWS_PROFILE": "work"}, "[work]\n" + KEYS.format("CONFIG")),
    case("profile default", {}, "[profile default]\n" + KEYS.format("CONFIG")),
    case("default twice", {}, "[default]\n" + KEYS.format("A") + "[profile default]\n" + KEYS.format("B")),
    case("colons and capitals", {}, "", "[default]\nAWS_ACCESS_KEY_ID: A\nAws_Secret_Access_Key: s\n"),
    case("a key without a secret in a file", {}, "", "[default]\naws_access_key_id = A\n"),
    case("a broken config file beside keys in the environment", ENV, "junk\n"),
    case("duplicate sections", {}, "", "[default]\n[default]\n" + KEYS.format("A")),
    case("role", {}, "[default]\n" + ROLE + "source_profile = base\n[profile base]\n" + KEYS.format("BASE")),
    case("role in the credentials file", {}, "", "[default]\n" + ROLE + "source_profile = base\n[base]\n" + KEYS.format("BASE")),
    case("role before keys of the same profile", {}, "", "[default]\n" + KEYS.format("OWN") + ROLE + "source_profile = default\n"),
    case("role of itself without keys", {}, "[default]\n" + ROLE + "source_profile = default\n"),
    case("roles in a circle", {}, "[default]\n" + ROLE + "source_profile = b\n[profile b]\n" + ROLE + "source_profile = default\n"),
    case("role of a role", {}, "[default]\n" + ROLE + "source_profile = b\n[profile b]\nrole_arn = arn:aws:iam::1:role/b\n"
         "source_profile = c\n[profile c]\n" + KEYS.format("C")),
    case("role of a role with keys of its own", {}, "[default]\n" + ROLE + "source_profile = b\n[profile b]\n" + ROLE
         + KEYS.format("B") + "source_profile = c\n[profile c]\n" + KEYS.format("C")),
    case("role without a source", {}, "[default]\n" + ROLE),
    case("role with two sources", {}, "[default]\n" + ROLE + "source_profile = b\ncredential_source = Environment\n[profile b]\n"),
    case("role of a profile that is nowhere", {}, "[default]\n" + ROLE + "source_profile = b\n"),
    case("role of a profile without keys", {}, "[default]\n" + ROLE + "source_profile = b\n[profile b]\nregion = x\n"),
    case("role from the environment", {**ENV, "AWS_PROFILE": "r"}, "[profile r]\n" + ROLE + "credential_source = Environment\n"),
    case("named role from the environment", ENV, "[profile r]\n" + ROLE + "credential_source = Environment\n", profile="r"),
    case("role from an environment without keys", {}, "[default]\n" + ROLE + "credential_source = Environment\n"),
    case("role from a container", CONTAINER, "[default]\n" + ROLE + "credential_source = EcsContainer\n"),
    case("role from a container that is none", {}, "[default]\n" + ROLE + "credential_source = EcsContainer\n"),
    case("role from the instance", {}, "[default]\n" + ROLE + "credential_source = Ec2InstanceMetadata\n"),
    case("role from something unknown", {}, "[default]\n" + ROLE + "credential_source = ec2instancemetadata\n"),
    case("role of an sso profile", {}, "[default]\n" + ROLE + "source_profile = w\n[profile w]\nsso_session = corp\n" + SSO + SESSION),
    case("role of a process", {}, "[default]\n" + ROLE + "source_profile = w\n[profile w]\n" + PROCESS),
    case("web identity in the environment", WEB),
    case("web identity without a role", {"AWS_WEB_IDENTITY_TOKEN_FILE": "token"}),
    case("web identity of an empty name", {**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": ""}, "[default]\n" + KEYS.format("A")),
    case("web identity before files", WEB, "", "[default]\n" + KEYS.format("A")),
    case("a named profile before web identity", WEB, "", "[work]\n" + KEYS.format("A"), "work"),
    case("web identity in a profile", {}, "[default]\nweb_identity_token_file = t\n" + ROLE),
    case("sso", {}, "[default]\nsso_session = corp\n" + SSO + SESSION),
    case("sso before keys", {}, "[default]\nsso_session = corp\n" + SSO + KEYS.format("A") + SESSION),
    case("sso of the older form", {}, "[default]\n" + SSO + LEGACY),
    case("sso without a role", {}, "[default]\nsso_session = corp\nsso_account_id = 1\n" + SESSION),
    case("sso with a start URL only, beside keys", {}, "[default]\nsso_start_url = https://x\n" + KEYS.format("A")),
    case("sso of a session that is nowhere", {}, "[default]\nsso_session = corp\n" + SSO),
    case("sso that differs from its session", {}, "[default]\nsso_session = corp\nsso_region = us-east-1\n" + SSO + SESSION),
    case("process", {}, "[default]\n" + PROCESS),
    case("process after the credentials file", {}, "[default]\n" + PROCESS, "[default]\n" + KEYS.format("A")),
    case("process before keys of the config file", {}, "[default]\n" + PROCESS + KEYS.format("A")),
    case("container", CONTAINER),
    case("container after files", CONTAINER, "", "[default]\n" + KEYS.format("A")),
    case("container by a full URI", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/x"}),
]


def found(credentials):
    """The chain below an assumed role is botocore's own business; here the first source counts."""
    if credentials is None:
        return None
    method = credentials.method
    if method in ("env", "shared-credentials-file", "config-file"):
        return f"static {credentials.access_key}"
    return {"custom-process": "process"}.get(method, method)


def botocore_finds(env, profile):
    fake = {"access_key": "a", "secret_key": "s", "token": "t", "expiry_time": "2099-01-01T00:00:00Z", "role_name": "r"}
    reply = {"AccessKeyId": "a", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}
    with mock.patch.dict("os.environ", env, clear=True), \
            mock.patch("botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials",
                       lambda self: None if env.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true" else fake), \
            mock.patch("botocore.utils.ContainerMetadataFetcher.retrieve_full_uri", lambda *a, **k: reply), \
            mock.patch("botocore.credentials.ProcessProvider._retrieve_credentials_using", lambda *a: fake):
        try:
            session = botocore.session.Session(profile=profile)
            session.get_scoped_config()
            return found(session.get_credentials())
        except BotoCoreError:
            return None


@pytest.mark.parametrize("env, config, shared, profile", CASES)
def test_the_same_source(tmp_path, env, config, shared, profile):
    (tmp_path / "config").write_text(config)
    (tmp_path / "credentials").write_text(shared)
    env = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
           "HOME": str(tmp_path), **env}
    done = subprocess.run([BUILD / "tests/aws/chain-dump", *([profile] if profile else [])], env=env, capture_output=True,
                          text=True, check=False)
    assert done.returncode in (0, 1), done
    ours = done.stdout.split("\n")[0] if done.returncode == 0 else None
    if ours and not ours.startswith("static "):
        ours = ours.split()[0]
    assert ours == botocore_finds(env, profile), done
