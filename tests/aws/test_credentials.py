# SPDX-License-Identifier: BSD-3-Clause
"""Keys that have to be fetched: who is asked for what, with which keys a call is then signed, what is said if it fails."""

import calendar
import hashlib
import json
import os
import stat
import threading
import time

import pytest
from conftest import reply

NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
LATER = "2099-01-01T00:00:00Z"
BASE = "[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n"


def keys(name, **more):
    return {"AccessKeyId": name, "SecretAccessKey": "s", "Token": "t", "Expiration": LATER, **more}


def stamp(text):
    return calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))


def assumed(action, name, expires=LATER):
    inner = f"<Credentials><AccessKeyId>{name}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>" \
            f"<Expiration>{expires}</Expiration></Credentials>"
    return reply(200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>".encode())


def in_seconds(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Sources:
    """All that gives keys, at one address; every request is remembered with what signed it."""

    def __init__(self, server):
        self.server = server
        self.answers = {}
        self.asked = []
        server.script = [self.answer]

    def name(self, request):
        for line in request.body.decode(errors="replace").split("&"):
            if line.startswith("Action="):
                return line[7:]
        return request.target.split("?")[0] if request.target != "/" else "call"

    def answer(self, request):
        headers = {k.lower(): v for k, v in request.headers}
        signed = headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]
        name = self.name(request)
        self.asked.append((request.method, name, signed))
        found = self.answers.get(name, reply(200, {"taskArns": []}))
        return found(request, headers) if callable(found) else found

    def signers(self, name):
        return [signed for _, asked, signed in self.asked if asked == name]


@pytest.fixture
def sources(server):
    return Sources(server)


@pytest.fixture
def listing(call, tmp_path, server):
    """Sends a call with such files; its reply."""
    (tmp_path / ".aws").mkdir()

    def run(config="", shared="", *options, **env):
        (tmp_path / ".aws/config").write_text(config)
        (tmp_path / ".aws/credentials").write_text(shared)
        return call("ecs", "ListTasks", {}, *options, env={**NO_KEYS, **env}).reply

    return run


# -- assumed roles ---------------------------------------------------------------------------------------------------


def test_a_role_of_a_role(sources, listing):
    sources.answers["AssumeRole"] = lambda r, h: assumed("AssumeRole", "OUTER" if "outer" in r.body.decode() else "INNER")
    done = listing("[default]\nrole_arn = arn:aws:iam::1:role/outer\nsource_profile = b\nexternal_id = x&y\nduration_seconds = 1800\n"
                   "role_session_name = me\n[profile b]\nrole_arn = arn:aws:iam::1:role/inner\nsource_profile = base\n", BASE)
    assert done["errno"] == 0, done
    assert sources.signers("AssumeRole") == ["BASE", "INNER"]
    assert sources.signers("call") == ["OUTER"]
    body = sources.server.requests[1].body.decode()
    assert all(part in body for part in ("ExternalId=x%26y", "DurationSeconds=1800", "RoleSessionName=me")), body


def test_a_role_that_is_denied_is_named(sources, listing):
    sources.answers["AssumeRole"] = reply(403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
    done = listing("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n", BASE)
    assert done["code"] == "AccessDenied" and "cannot assume the role arn:aws:iam::1:role/r" in done["message"], done
    assert not sources.signers("call")


def test_web_identity(sources, listing, tmp_path):
    (tmp_path / "token").write_text("ey.J.x")
    sources.answers["AssumeRoleWithWebIdentity"] = assumed("AssumeRoleWithWebIdentity", "WEB")
    done = listing(AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"), AWS_ROLE_ARN="arn:aws:iam::1:role/w")
    assert done["errno"] == 0, done
    assert sources.signers("AssumeRoleWithWebIdentity") == [""] and sources.signers("call") == ["WEB"]
    assert b"WebIdentityToken=ey.J.x" in sources.server.requests[0].body


def test_a_web_identity_token_that_vanished(sources, listing):
    done = listing(AWS_WEB_IDENTITY_TOKEN_FILE="/nowhere/token", AWS_ROLE_ARN="arn:aws:iam::1:role/w")
    assert "cannot read the web identity token /nowhere/token" in done["message"] and done["remedy"], done


# -- IAM Identity Center ---------------------------------------------------------------------------------------------

SSO = "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = Dev\n[sso-session corp]\nsso_region = eu-west-1\n" \
      "sso_start_url = https://x.example/start\n"


@pytest.fixture
def cache(tmp_path):
    folder = tmp_path / ".aws/sso/cache"

    def write(name="corp", **token):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (hashlib.sha1(name.encode()).hexdigest() + ".json")
        path.write_text(json.dumps({"accessToken": "TOKEN", "expiresAt": LATER, **token}))
        return path

    return write


def portal(request, headers):
    if headers.get("x-amz-sso_bearer_token") not in ("TOKEN", "NEWER"):
        return reply(401, {"message": "Session token not found or invalid"}, [("x-amzn-ErrorType", "UnauthorizedException")])
    return reply(200, {"roleCredentials": {"accessKeyId": "SSO", "secretAccessKey": "s", "sessionToken": "t", "expiration": 4070908800000}})


def test_sso(sources, listing, cache):
    sources.answers["/federation/credentials"] = portal
    cache()
    assert listing(SSO)["errno"] == 0
    assert sources.asked == [("GET", "/federation/credentials", ""), ("POST", "call", "SSO")]
    assert "role_name=Dev" in sources.server.requests[0].target and "account_id=1" in sources.server.requests[0].target


def test_sso_of_the_older_form(sources, listing, cache):
    sources.answers["/federation/credentials"] = portal
    cache("https://x.example/start")
    config = "[default]\nsso_account_id = 1\nsso_role_name = Dev\nsso_region = eu-west-1\nsso_start_url = https://x.example/start\n"
    assert listing(config)["errno"] == 0 and sources.signers("call") == ["SSO"]


@pytest.mark.parametrize("token", [{"expiresAt": "2020-01-01T00:00:00Z"}, {"accessToken": "REVOKED"}, {"accessToken": None}])
def test_a_token_that_cannot_be_used_asks_for_a_login(sources, listing, cache, token):
    sources.answers["/federation/credentials"] = portal
    cache(**token)
    done = listing(SSO)
    assert done["errno"] < 0 and "control/login" in done["remedy"] and not sources.signers("call"), done


def test_nobody_signed_in(sources, listing):
    done = listing(SSO)
    assert "nobody has signed in" in done["message"] and done["remedy"] == "touch control/login", done


def test_a_token_is_refreshed_and_shared(sources, listing, cache):
    sources.answers["/federation/credentials"] = portal
    sources.answers["/token"] = reply(200, {"accessToken": "NEWER", "expiresIn": 3600, "refreshToken": "r2"})
    path = cache(expiresAt=in_seconds(60), refreshToken="r1", clientId="c", clientSecret="cs", registrationExpiresAt=LATER)
    assert listing(SSO)["errno"] == 0
    assert json.loads(sources.server.requests[0].body) == {"grantType": "refresh_token", "clientId": "c", "clientSecret": "cs",
                                                            "refreshToken": "r1"}
    written = json.loads(path.read_text())
    assert (written["accessToken"], written["refreshToken"], written["clientId"]) == ("NEWER", "r2", "c")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_refresh_that_fails_leaves_a_token_that_still_holds(sources, listing, cache):
    sources.answers["/federation/credentials"] = portal
    sources.answers["/token"] = reply(400, {"error": "invalid_grant"}, [("x-amzn-ErrorType", "InvalidGrantException")])
    cache(expiresAt=in_seconds(300), refreshToken="r1", clientId="c", clientSecret="cs", registrationExpiresAt=LATER)
    assert listing(SSO)["errno"] == 0 and sources.signers("call") == ["SSO"]


# -- a program -------------------------------------------------------------------------------------------------------


def program(tmp_path, script):
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return f"[default]\ncredential_process = '{path}' \"one word\" two\n"


def test_a_program(sources, listing, tmp_path):
    config = program(tmp_path, f"""[ "$1,$2,$#" = "one word,two,2" ] || exit 9
        echo '{json.dumps({"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": LATER})}'""")
    assert listing(config)["errno"] == 0
    assert sources.signers("call") == ["PROCESS"]


def test_what_a_program_leaves_in_the_background_is_not_waited_for(sources, listing, tmp_path):
    config = program(tmp_path, "sleep 1000 &\n echo '" + json.dumps({"Version": 1, "AccessKeyId": "P", "SecretAccessKey": "s"}) + "'")
    assert listing(config)["errno"] == 0


@pytest.mark.parametrize("script, words", [
    ("exit 3", "exited with status 3"), ("echo why not >&2; exit 1", "exited with status 1: why not"), ("", "printed no JSON object"),
    ("echo '{\"Version\": 2}'", "printed a Version other than 1"), ("kill -9 $$", "was ended by signal 9"), ("echo garbage", "printed no JSON"),
    ("echo '{\"Version\": 1, \"AccessKeyId\": \"A\"}'", "has no string SecretAccessKey"), ("yes", "printed more than 64 KiB"),
    ("echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"2020-01-01T00:00:00Z\"}'", "have expired"),
    ("tty -s && exit 0; echo no terminal >&2; exit 4", "no terminal"),
])
def test_programs_that_give_nothing(sources, listing, tmp_path, script, words):
    done = listing(program(tmp_path, script))
    assert done["errno"] < 0 and words in done["message"] and "credential_process of profile default" in done["message"], done
    assert not sources.asked


def test_a_program_that_does_not_exist(sources, listing):
    done = listing("[default]\ncredential_process = /nowhere/program\n")
    assert "cannot run /nowhere/program: No such file" in done["message"] and done["remedy"], done


# -- containers and instances ----------------------------------------------------------------------------------------


def test_a_container(sources, listing, tmp_path):
    def endpoint(request, headers):
        return reply(200, keys("CONTAINER")) if headers.get("authorization") == "secret" else reply(401)

    sources.answers["/keys"] = endpoint
    (tmp_path / "token").write_text("secret")
    done = listing(AWS_CONTAINER_CREDENTIALS_FULL_URI=sources.server.url + "/keys", AWS_CONTAINER_AUTHORIZATION_TOKEN="wrong",
                   AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(tmp_path / "token"))
    assert done["errno"] == 0 and sources.signers("call") == ["CONTAINER"], done


@pytest.mark.parametrize("url", ["http://192.0.2.1/x", "http://localhost.example.org/x", "http://127.0.0.1.example.org/x", "ftp://localhost/",
                                 "http://localhost:1@192.0.2.1/x", "https://localhost@192.0.2.1/x", "http://[fd00:ec2::24]/x"])
def test_hosts_that_get_no_token(sources, listing, url):
    done = listing(AWS_CONTAINER_CREDENTIALS_FULL_URI=url, AWS_CONTAINER_AUTHORIZATION_TOKEN="t")
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI is not used" in done["message"], done


@pytest.mark.parametrize("url", ["http://[::1]:1/x@y", "https://localhost:1/x"])
def test_hosts_that_may_get_a_token(sources, listing, url):
    done = listing(AWS_CONTAINER_CREDENTIALS_FULL_URI=url, AWS_CONTAINER_AUTHORIZATION_TOKEN="t")
    assert "is not used" not in done["message"] and "cannot connect" in done["message"], done


def test_a_container_token_with_a_line_end(sources, listing):
    done = listing(AWS_CONTAINER_CREDENTIALS_FULL_URI=sources.server.url + "/keys", AWS_CONTAINER_AUTHORIZATION_TOKEN="a\nb: c")
    assert "line end" in done["message"] and not sources.asked, done


def test_a_container_endpoint_that_stumbles(sources, listing):
    answers = iter([reply(500), reply(500), reply(200, keys("CONTAINER"))])
    sources.answers["/keys"] = lambda r, h: next(answers)
    assert listing(AWS_CONTAINER_CREDENTIALS_FULL_URI=sources.server.url + "/keys")["errno"] == 0


ROLE_PATH = "/latest/meta-data/iam/security-credentials/"


def instance(sources, token=None):
    def guarded(answer):
        return lambda r, h: answer if h.get("x-aws-ec2-metadata-token", "") == (token or "") else reply(401)

    sources.answers["/latest/api/token"] = reply(200, token.encode()) if token else reply(404)
    sources.answers[ROLE_PATH] = guarded(reply(200, b"my-role"))
    sources.answers[ROLE_PATH + "my-role"] = guarded(reply(200, keys("INSTANCE", Code="Success")))
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": sources.server.url}


def test_an_instance(sources, listing):
    assert listing(**instance(sources, "tok"))["errno"] == 0
    assert sources.asked[0][:2] == ("PUT", "/latest/api/token") and sources.signers("call") == ["INSTANCE"]


def test_an_instance_with_version_1_only(sources, listing):
    env = instance(sources)
    assert listing(**env)["errno"] == 0
    sources.asked.clear()
    done = listing(**env, AWS_EC2_METADATA_V1_DISABLED="true")
    assert done["errno"] < 0 and "no AWS credentials" in done["message"], done


def test_an_instance_without_a_role(sources, listing):
    env = instance(sources, "tok")
    sources.answers[ROLE_PATH] = reply(404)
    done = listing(**env)
    assert "no instance profile (HTTP status 404)" in done["message"] and "no AWS credentials" in done["message"], done


def test_no_instance_at_all(sources, listing):
    done = listing(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
    assert done["message"].startswith("no AWS credentials: AWS_ACCESS_KEY_ID is not set, and profile default has none in"), done
    assert "control/login" in done["remedy"]


def test_an_instance_whose_token_does_not_come(sources, listing):
    """As behind a router: version 1 of the service is asked, each request once and for a second."""
    env = instance(sources)
    over = threading.Event()
    sources.answers["/latest/api/token"] = lambda r, h: over.wait(60) and None
    assert listing(**env)["errno"] == 0 and sources.signers("call") == ["INSTANCE"]
    over.set()
    assert [name for _, name, _ in sources.asked][:2] == ["/latest/api/token", ROLE_PATH]


def test_an_instance_that_does_not_answer(sources, listing):
    env = instance(sources)
    over = threading.Event()
    for path in ("/latest/api/token", ROLE_PATH):
        sources.answers[path] = lambda r, h: over.wait(60) and None
    done = listing(**env)
    over.set()
    assert done["errno"] < 0 and "no AWS credentials" in done["message"], done
    assert [name for _, name, _ in sources.asked] == ["/latest/api/token", ROLE_PATH]


# -- one for many ----------------------------------------------------------------------------------------------------


def test_one_fetch_serves_a_thousand_calls(sources, listing):
    sources.answers["AssumeRole"] = assumed("AssumeRole", "ROLE")
    listing("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n", BASE, "-n", "1000")
    assert len(sources.signers("AssumeRole")) == 1 and sources.signers("call") == ["ROLE"] * 1000


def test_static_keys_cost_no_round_trip(sources, listing):
    assert listing("", BASE.replace("base", "default"))["errno"] == 0
    assert sources.asked == [("POST", "call", "BASE")]


def test_no_secret_is_told(sources, listing, tmp_path, capfd):
    done = listing(program(tmp_path, "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hidden\\u0001\"}'"))
    assert done["errno"] < 0 and "hidden" not in json.dumps(done)
    assert os.environ.get("AWS_SECRET_ACCESS_KEY") is None


# -- lifetimes -------------------------------------------------------------------------------------------------------


def once(tmp_path, seconds):
    """A program that gives keys of that lifetime, and fails when it is asked again."""
    keys = json.dumps({"Version": 1, "AccessKeyId": "P", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": in_seconds(seconds)})
    return program(tmp_path, f"echo x >> {tmp_path}/runs; [ $(wc -l < {tmp_path}/runs) = 1 ] || exit 5\necho '{keys}'")


@pytest.mark.parametrize("seconds, runs", [(3600, 1), (1200, 1), (600, 1), (120, 1)])
def test_keys_are_refreshed_ahead_and_used_until_they_expire(sources, listing, tmp_path, seconds, runs):
    """The AWS CLI begins to refresh 15 minutes ahead; a refresh that fails does no harm while the keys hold."""
    assert listing(once(tmp_path, seconds), "", "-n", "5")["errno"] == 0
    assert sources.signers("call") == ["P"] * 5
    assert runs > 1 or len((tmp_path / "runs").read_text().split()) == 1


@pytest.mark.parametrize("seconds", [900, 120])
def test_keys_of_a_short_life_are_fetched_once_for_many_calls(sources, listing, seconds):
    """A role with a session of 15 minutes, the least that AWS grants: its keys are born inside the CLI's window."""
    sources.answers["AssumeRole"] = lambda r, h: assumed("AssumeRole", "ROLE", in_seconds(seconds))
    listing("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nduration_seconds = 900\n", BASE, "-n", "1000")
    assert len(sources.signers("AssumeRole")) == 1 and sources.signers("call") == ["ROLE"] * 1000


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_wrong_does_not_end_keys(sources, listing, cache, hours):
    """AWS's clock counts, which every reply tells: for the signature, for the expiry and for the token that is stored."""
    def date():
        return [("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600 * hours)))]

    def portal_of_another_time(request, headers):
        keys = {"accessKeyId": "SSO", "secretAccessKey": "s", "sessionToken": "t", "expiration": int((time.time() + 3600 * hours + 1200) * 1000)}
        return reply(200, {"roleCredentials": keys}, date())

    def role_of_another_time(request, headers):
        skew = abs(stamp(headers["x-amz-date"]) - time.time() - 3600 * hours)
        if skew > 300:
            code = b"<ErrorResponse><Error><Code>RequestTimeTooSkewed</Code><Message>no</Message></Error></ErrorResponse>"
            return reply(403, code, date())
        return assumed("AssumeRole", "ROLE", in_seconds(3600 * hours + 1200))

    sources.answers["/federation/credentials"] = portal_of_another_time
    sources.answers["/token"] = lambda r, h: reply(200, {"accessToken": "NEWER", "expiresIn": 3600}, date())
    sources.answers["AssumeRole"] = role_of_another_time
    path = cache(expiresAt=in_seconds(3600 * hours - 1) if hours < 0 else in_seconds(60), refreshToken="r1", clientId="c", clientSecret="cs",
                 registrationExpiresAt=LATER)
    done = listing("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = w\n[profile w]\n" + SSO.partition("\n")[2], "", "-n", "3")
    assert done["errno"] == 0 and sources.signers("call") == ["ROLE"] * 3, done
    assert len(sources.signers("/federation/credentials")) == 1
    stored = calendar.timegm(time.strptime(json.loads(path.read_text())["expiresAt"], "%Y-%m-%dT%H:%M:%SZ"))
    assert abs(stored - time.time() - 3600 * (hours + 1)) < 120
