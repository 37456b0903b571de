# SPDX-License-Identifier: BSD-3-Clause
"""control/login and control/logout: a sign-in to IAM Identity Center without the AWS CLI, and for it."""

import hashlib
import json
import os
import re
import stat
import urllib.parse
import urllib.request

import botocore.session
import pytest
from botocore.tokens import SSOTokenProvider
from botocore.utils import JSONFileCache, SSOTokenLoader
from conftest import Tree, until

SESSION = "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = {start_url}\nsso_registration_scopes = sso:account:access\n"
ROLE = "sso_account_id = {account_id}\nsso_role_name = {role}\n"
WORK = "[profile work]\nsso_session = corp\n" + ROLE + SESSION
OLDER = "[profile work]\nsso_region = eu-west-1\nsso_start_url = {start_url}\n" + ROLE


class SignIn(Tree):
    """A mount whose profile signs in."""

    def __init__(self, cloud, base, config=WORK):
        super().__init__(cloud, base, AWS_EC2_METADATA_DISABLED="true")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del self.env[name]
        self.write_config(config)

    def write_config(self, config):
        (self.base / ".aws").mkdir(exist_ok=True)
        (self.base / ".aws/config").write_text(config.format(**self.cloud.facts["sign_in"], account_id=self.cloud.facts["account_id"]))

    def configure(self, **more):
        self.write("config/default.env", self.settings(aws_profile="work", **more))

    def token_path(self, name="corp"):
        return self.base / ".aws/sso/cache" / (hashlib.sha1(name.encode()).hexdigest() + ".json")

    def login(self):
        """Begins one; the URL that its log shows."""
        self.bash("touch control/login")
        found = until(lambda: re.search(r"open (\S+) in a browser and confirm the code (\S+)", self.read("operations/latest/operation.log")), "the code")
        assert found[2] in found[1]
        return found[1]

    def sign_in(self):
        decide(self.login())
        return self.bash("cat operations/latest/result")

    def whoami(self):
        return json.loads(self.read("whoami"))


def decide(url, decision="allow"):
    with urllib.request.urlopen(url, data=urllib.parse.urlencode({"decision": decision}).encode(), timeout=60) as reply:
        return reply.read()


@pytest.fixture
def signing(cloud, tmp_path):
    mounts = []

    def make(config=WORK):
        mounts.append(SignIn(cloud, tmp_path, config).mount())
        mounts[0].configure()
        return mounts[0]

    yield make
    cloud.control("DELETE", "faults")
    mounts[0].unmount()


def test_a_sign_in(signing):
    tree = signing()
    refused = until(lambda: tree.whoami().get("error"), "the refusal")
    assert "nobody has signed in" in refused
    assert tree.bash("touch control/deploy", check=False).returncode != 0
    url = tree.login()
    assert re.search(r"^login open http\S+ and confirm the code \S+$", tree.read("status"), re.M), tree.read("status")
    assert url in tree.read("operations/latest/progress") and tree.value("operations/latest/state") == "running"
    decide(url)
    result = tree.bash("cat operations/latest/result")
    assert url in result and result.endswith("signed in: sso profile work\n"), result
    me = until(lambda: tree.whoami()["arn"] and tree.whoami(), "the identity")
    assert "assumed-role/AWSReservedSSO_Engineer_0123456789abcdef/engineer" in me["arn"], me
    assert (me["source"], me["profile"]) == ("sso profile work", "work") and me["expires"]
    assert re.search(r"^credentials sso profile work, expires in 5[89] min$", tree.read("status"), re.M), tree.read("status")
    until(lambda: "not-deployed" in tree.read("status"), "the first contact")


def test_the_result_shows_the_code_while_it_waits(signing):
    tree = signing()
    url = tree.login()
    assert url in tree.bash("head -n 1 operations/latest/result")
    tree.bash("touch control/cancel")
    until(lambda: tree.value("operations/latest/state") == "cancelled", "the cancellation")


def test_the_token_is_one_of_the_aws_cli(signing):
    tree = signing()
    tree.sign_in()
    path = tree.token_path()
    token = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(token) == {"startUrl", "region", "accessToken", "expiresAt", "clientId", "clientSecret", "registrationExpiresAt", "refreshToken"}
    cache = JSONFileCache(str(path.parent))
    assert SSOTokenLoader(cache=cache)(token["startUrl"], session_name="corp")["accessToken"] == token["accessToken"]
    session = botocore.session.Session(profile="work")
    session.set_config_variable("config_file", str(tree.base / ".aws/config"))
    assert SSOTokenProvider(session, cache=cache, profile_name="work").load_token().get_frozen_token().token == token["accessToken"]


def test_the_older_form_without_a_session(signing, cloud):
    tree = signing(OLDER)
    tree.sign_in()
    start_url = cloud.facts["sign_in"]["start_url"]
    token = json.loads(tree.token_path(start_url).read_text())
    assert "refreshToken" not in token
    assert SSOTokenLoader(cache=JSONFileCache(str(tree.token_path().parent)))(start_url)["accessToken"] == token["accessToken"]
    until(lambda: tree.whoami()["arn"], "the identity")


def test_a_token_that_the_aws_cli_stored(signing):
    tree = signing()
    tree.sign_in()
    kept = json.loads(tree.token_path().read_text())
    tree.token_path().unlink()
    tree.bash("touch control/refresh")
    until(lambda: "nobody has signed in" in tree.whoami().get("error", ""), "the refusal")
    JSONFileCache(str(tree.token_path().parent))[tree.token_path().stem] = kept
    tree.bash("touch control/refresh")
    until(lambda: tree.whoami()["source"] == "sso profile work", "the keys")


def test_a_role_of_an_sso_profile(signing, cloud):
    tree = signing(WORK.replace("[profile work]", "[profile base]") + "[profile work]\nrole_arn = arn:aws:iam::{account_id}:role/other\nsource_profile = base\n")
    assert "signed in: sso profile base" in tree.sign_in()
    me = until(lambda: tree.whoami()["arn"] and tree.whoami(), "the identity")
    assert "assumed-role/other/" in me["arn"] and me["source"].endswith("via sso profile base"), me


def test_an_operation_right_after_a_sign_in(signing, cloud):
    """Keys that are on their way are no reason to refuse it; that there were none before is none either."""
    tree = signing()
    until(lambda: tree.whoami().get("error"), "the refusal")
    cloud.fault("sso:GetRoleCredentials", "delay", seconds=3)
    tree.sign_in()
    tree.bash("touch control/deploy control/cancel")
    until(lambda: tree.value("operations/latest/state") == "cancelled", "the cancellation")


def test_denied(signing):
    tree = signing()
    decide(tree.login(), "deny")
    assert tree.bash("cat operations/latest/result", check=False).returncode != 0
    assert "denied in the browser" in tree.read("operations/latest/error") and "touch control/login" in tree.read("operations/latest/error")
    assert not tree.token_path().exists()


def test_a_code_that_expires(signing, cloud):
    tree = signing()
    cloud.fault("sso-oidc:CreateToken", "expired_token")
    tree.login()
    assert tree.bash("cat operations/latest/result", check=False).returncode != 0
    assert "not confirmed in time" in tree.read("operations/latest/error")


def test_slowing_down(signing, cloud):
    tree = signing()
    cloud.fault("sso-oidc:CreateToken", "slow_down")
    assert "signed in" in tree.sign_in()


def test_an_outage_while_the_confirmation_is_waited_for(signing, cloud):
    tree = signing()
    cloud.fault("sso-oidc:CreateToken", "outage", count=0)
    url = tree.login()
    until(lambda: "no usable reply, retrying" in tree.read("operations/latest/progress"), "the outage")
    assert url in tree.read("operations/latest/progress") and tree.value("operations/latest/state") == "running"
    cloud.control("DELETE", "faults")
    until(lambda: "no usable reply" not in tree.read("operations/latest/progress"), "the end of the outage")
    assert tree.value("operations/latest/state") == "running"
    decide(url)
    assert "signed in" in tree.bash("cat operations/latest/result")
    assert tree.read("operations/latest/operation.log").count("no usable reply") == 1


def test_not_an_sso_profile(signing):
    tree = signing("[profile work]\naws_access_key_id = A\naws_secret_access_key = s\n")
    done = tree.bash("touch control/login", check=False)
    assert b"Invalid argument" in done.stderr
    assert "do not come from IAM Identity Center, but from: profile work in" in tree.read("error")


def test_one_login_at_a_time(signing):
    tree = signing()
    tree.login()
    assert b"busy" in tree.bash("touch control/login", check=False).stderr
    assert b"busy" in tree.bash("touch control/logout", check=False).stderr


def test_logout(signing):
    tree = signing()
    tree.sign_in()
    until(lambda: tree.whoami()["arn"], "the identity")
    assert tree.bash("touch control/logout; cat operations/latest/result") == "signed out: sso profile work\n"
    assert not tree.token_path().exists()
    until(lambda: "nobody has signed in" in tree.whoami().get("error", ""), "the refusal")
    assert tree.bash("touch control/logout; cat operations/latest/result", check=False).returncode != 0
    assert "nobody is signed in" in tree.read("operations/latest/error")


def test_a_place_for_the_token_that_is_none(signing):
    tree = signing()
    (tree.base / ".aws/sso").write_text("a file")
    tree.bash("touch control/login")
    until(lambda: tree.value("operations/latest/state") == "failed", "the failure")
    assert "cannot write the token to" in tree.read("operations/latest/error")


def test_a_login_is_not_taken_up_after_a_crash(signing):
    tree = signing()
    tree.login()
    tree.kill()
    tree.mount()
    until(lambda: tree.whoami().get("error"), "the refusal")
    assert "login" not in tree.bash("cat operations/*/name 2>/dev/null || true")
    tree.login()


def test_an_operation_waits_for_a_sign_in(signing, cloud):
    tree = signing()
    tree.sign_in()
    cloud.fault("cloudformation:CreateChangeSet", "throttle", count=0)
    tree.write("control/deploy", "1")
    deploy = tree.path / "operations" / os.readlink(tree.path / "operations/latest")
    until(lambda: "no usable reply" in (deploy / "progress").read_text(), "the outage")
    tree.bash("touch control/logout; cat operations/latest/result")
    cloud.control("DELETE", "faults")
    until(lambda: "waiting for credentials" in (deploy / "progress").read_text(), "the wish")
    assert "touch control/login" in (deploy / "progress").read_text()
    assert (deploy / "state").read_text() == "running\n"
    tree.sign_in()
    assert "deployed" in tree.bash(f"cat operations/{deploy.name}/result")
    tree.operate("destroy", "purge")
