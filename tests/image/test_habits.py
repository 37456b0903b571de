# SPDX-License-Identifier: BSD-3-Clause
"""Registries with habits: what they refuse, how they demand passwords, what they lose on the way."""

import itertools
import json
import os
import subprocess

import pytest
from conftest import Image, digest, layer
from hostile import Hostile
from test_hostile import SECRET, bearer, layers_of, serve, source, target  # noqa: F401 (fixtures)


def image():
    return Image([layer({"a": b"a" * 5000})])


def log_in(tmp_path, host):
    (tmp_path / ".docker").mkdir(exist_ok=True)
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {host: {"auth": SECRET}}}))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_get_decides_where_head_is_refused(source, target, build, status):
    source.when("HEAD", "/manifests/", lambda h, b: h.reply(status, b"<html>"))
    serve(source, image())
    assert build(f"{source.host}/evil", target.url)["pushed"]


def guard(source, challenges, accepted):
    """Everything but the token service is for those who send what is accepted."""
    plain = list(source.rules)
    source.rules.clear()
    source.when("GET", "/token", lambda h, b: h.reply(200, b'{"token":"tok-en"}'))

    def guarded(act):
        def answer(handler, body):
            if handler.headers.get("Authorization") == accepted:
                return act(handler, body)
            handler.send_response(401)
            for one in challenges:
                handler.send_header("WWW-Authenticate", one.format(url=source.url))
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        return answer
    source.rules += [(method, part, guarded(act)) for method, part, act in plain]


BEARER = 'Bearer realm="{url}/token",service="a, Basic realm=b",scope="repository:evil:pull,push"'
BASIC = 'Basic realm="x, y"'


@pytest.mark.parametrize("challenges, password, accepted", [
    (["Negotiate", BASIC], True, "Basic " + SECRET),
    (["Negotiate YII=, NTLM, " + BASIC], True, "Basic " + SECRET),
    ([BASIC, BEARER], False, "Bearer tok-en"),
    ([BASIC + ", " + BEARER], False, "Bearer tok-en"),
    ([BASIC + ", " + BEARER], True, "Basic " + SECRET),
    ([BEARER, BASIC], True, "Bearer tok-en"),
    ([BASIC, BEARER], True, "Bearer tok-en"),
    ([BEARER, BASIC], True, "Basic " + SECRET),
    (['Digest realm="a", nonce="b"', 'Bearer service="no realm"', BASIC], True, "Basic " + SECRET),
    (['Bearer realm="http://token.example.org/"', BASIC], True, "Basic " + SECRET),
])
def test_the_first_challenge_that_can_be_met_is_met(source, target, build, tmp_path, challenges, password, accepted):
    serve(source, image())
    guard(source, challenges, accepted)
    if password:
        log_in(tmp_path, source.host)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["pushed"], answer


def test_no_challenge_that_can_be_met(source, target, build):
    serve(source, image())
    guard(source, ["Negotiate", 'Basic realm="x"'], "never")
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -13 and "docker login" in answer["remedy"] and "skopeo login" in answer["remedy"]


def test_the_password_is_not_sent_in_the_clear(source, target, build, tmp_path):
    """To a token service that is named by http and is somewhere else."""
    elsewhere = Hostile()
    log_in(tmp_path, source.host)
    serve(source, image())
    guard(source, [f'Bearer realm="http://localhost.localdomain:{elsewhere.server.server_port}/token"'], "Bearer tok-en")
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -74 and "token service that vastfs must not contact" in answer["message"]
    assert not elsewhere.asked
    elsewhere.stop()


@pytest.mark.parametrize("trouble", ["drop", 503, "cut", "html"])
def test_a_token_is_asked_for_again(source, target, build, trouble):
    bearer(source, image())
    asked = []

    def token(handler, _):
        asked.append(handler.path)
        if len(asked) > 1:
            handler.reply(200, b'{"token":"tok-en"}')
        elif trouble == "drop":
            handler.close_connection = True
            handler.connection.close()
        elif trouble == "cut":
            handler.reply(200, b'{"tok', length=100)
        else:
            handler.reply(trouble if isinstance(trouble, int) else 200, b"<html>")

    source.rules.insert(0, ("GET", "/token", token))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["pushed"] and len(asked) == 2, answer


@pytest.mark.parametrize("where", ["/proxy/hub", "/v2/hub", "/proxy/v2", "/proxy/hub/"])
def test_a_mirror_below_a_path(source, target, build, where):
    base = image()
    serve(source, base)
    under = {"/proxy/hub": "/proxy/hub/v2/", "/proxy/hub/": "/v2/proxy/hub/", "/v2/hub": "/v2/hub/", "/proxy/v2": "/proxy/v2/"}[where]
    rules = [(m, p, a) for m, p, a in source.rules]
    source.rules.clear()
    for method, part, act in rules:
        source.when(method, part, lambda h, b, act=act: act(h, b) if h.path.startswith(under + "evil/evil/") else h.reply(404))
    if where == "/proxy/hub":
        source.when("GET", "/proxy/hub/v2/", lambda h, b: h.reply(200, b"{}"))
    elif where == "/proxy/hub/":
        source.when("GET", "/proxy/hub/v2/", lambda h, b: h.reply(404, b"<html>"))
    answer = build("evil/evil", target.url, VASTFS_REGISTRY_MIRROR=source.url + where)
    assert answer["pushed"], (answer, source.asked)


@pytest.mark.parametrize("mirror", ["mirror.example", "https://user:hunter2@mirror.example", "https://m?x", "file:///x"])
def test_a_mirror_that_is_no_url_is_refused_in_words(target, build, mirror):
    answer = build("evil/evil", target.url, VASTFS_REGISTRY_MIRROR=mirror)
    assert answer["errnum"] == -22 and "VASTFS_REGISTRY_MIRROR" in answer["message"] and "hunter2" not in answer["message"]


@pytest.mark.parametrize("mirror, named", [(None, "vast_image"), ("http://{nobody}", "VASTFS_REGISTRY_MIRROR"),
                                           ("http://{nobody}/below", "VASTFS_REGISTRY_MIRROR")])
def test_who_named_a_registry_that_does_not_answer(target, build, mirror, named):
    nobody = Hostile()
    nobody.stop()
    more = {"VASTFS_REGISTRY_MIRROR": mirror.format(nobody=nobody.host)} if mirror else {}
    answer = build(f"{nobody.host}/evil", target.url, **more)
    assert nobody.host in answer["message"] and named in answer["remedy"] and "AWS" not in answer["remedy"]


@pytest.mark.parametrize("config", ["", "\n", "null", '{"auths":null}', '{"credsStore":"gone"}', '{"credHelpers":{"%s":"gone"}}'])
def test_a_public_image_needs_no_configuration(source, target, build, tmp_path, config):
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(config % source.host if "%s" in config else config)
    serve(source, image())
    assert build(f"{source.host}/evil", target.url)["pushed"]


def test_what_kept_the_password_away_is_said_when_it_would_have_helped(source, target, build, tmp_path):
    bearer(source, image(), password=SECRET)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"credsStore": "gone"}))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -13 and "docker-credential-gone" in answer["remedy"]
    assert "install it" in answer["remedy"] and "run" not in answer["remedy"].split("(")[0], "there is nothing to run"


@pytest.mark.parametrize("entry", [{"auth": "!!!"}, {"auth": "bm9jb2xvbg=="}, {"username": "a:b", "password": "c"}])
def test_a_password_that_is_none_names_the_way_out(source, target, build, tmp_path, entry):
    serve(source, image())
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {source.host: entry}}))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -74 and source.host in answer["message"]
    assert answer["remedy"] == f"log in again: docker login {source.host}"


def test_a_helper_that_fails_can_be_asked_by_hand(source, target, build, tmp_path):
    """The remedy is a command that gives an answer: helpers read the server's name from their input."""
    bearer(source, image(), password=SECRET)
    (tmp_path / "bin").mkdir()
    helper = tmp_path / "bin/docker-credential-failing"
    helper.write_text("#!/bin/sh\nread server\necho locked: $server\nexit 1\n")
    helper.chmod(0o755)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"credsStore": "failing"}))
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    remedy = build(f"{source.host}/evil", target.url, PATH=path)["remedy"]
    command = remedy.partition("run: ")[2].partition(", to see")[0]
    done = subprocess.run(["sh", "-c", command], env={"PATH": path}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.stdout == f"locked: {source.host}\n", remedy


class Losing(Hostile):
    """A target that stores, and loses what a test wants: rules(handler) -> True, it has answered."""

    def __init__(self, rule):
        super().__init__()
        self.blobs, self.manifests, self.uploads, self.rule = {}, {}, {}, rule
        self.numbers = itertools.count()
        for method in ("GET", "HEAD", "POST", "PATCH", "PUT"):
            self.when(method, "/", self.store)

    def drop(self, handler):
        handler.close_connection = True
        handler.connection.close()

    def store(self, h, body):
        path, _, query = h.path.partition("?")
        last = path.rsplit("/", 1)[1]
        if self.rule(self, h, body, last):
            return None
        if h.command == "POST":
            name = str(next(self.numbers))
            self.uploads[name] = b""
            return h.reply(202, Location=path + name)
        if "/uploads/" in path:
            if last not in self.uploads:
                return h.reply(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"no such upload"}]}')
            self.uploads[last] += body
            if h.command == "PUT":
                self.blobs[query.partition("digest=")[2].replace("%3a", ":").replace("%3A", ":")] = self.uploads.pop(last)
            return h.reply(201 if h.command == "PUT" else 202, Location=path)
        if "/manifests/" in path and h.command == "PUT":
            self.manifests[last] = self.manifests[digest(body)] = body
            return h.reply(201)
        found = (self.manifests if "/manifests/" in path else self.blobs).get(last)
        return h.reply(404) if found is None else h.reply(200, found, Docker_Content_Digest=digest(found))

    def count(self, method, part):
        return sum(m == method and part in p for m, p, _ in self.asked)


def once(condition, act):
    """A rule that does something the first time that the condition holds."""
    done = []

    def rule(target, handler, body, last):
        if done or not condition(handler):
            return False
        done.append(handler.path)
        return act(target, handler, body, last)
    return rule


def stored_and_lost(target, h, body, last):
    """It is done, and nobody is told."""
    path, _, query = h.path.partition("?")
    if "/manifests/" in path:
        target.manifests[last] = target.manifests[digest(body)] = body
    else:
        target.blobs[query.partition("digest=")[2].replace("%3a", ":").replace("%3A", ":")] = target.uploads.pop(last)
    target.drop(h)
    return True


def lost(target, h, body, last):
    target.drop(h)
    return True


def forgotten(target, h, body, last):
    target.uploads.pop(last)
    return False


def tag_is_set(target, h, body, last):
    """It was stored by the request whose reply got lost, and a tag is set only once."""
    target.manifests[last] = target.manifests[digest(body)] = body
    h.reply(400, b'{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}')
    return True


@pytest.mark.parametrize("method, part, act", [
    ("PUT", "/uploads/", stored_and_lost), ("PUT", "/uploads/", lost), ("PATCH", "/uploads/", lost),
    ("PATCH", "/uploads/", forgotten), ("PUT", "/uploads/", forgotten), ("POST", "/uploads/", lost),
    ("PUT", "/manifests/", stored_and_lost), ("PUT", "/manifests/", lost), ("PUT", "/manifests/", tag_is_set),
    ("HEAD", "/blobs/", lost),
])
def test_what_the_target_loses_is_made_good(source, build, method, part, act):
    base = image()
    serve(source, base)
    target = Losing(once(lambda h: h.command == method and part in h.path, act))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["pushed"] and answer["digest"] in target.manifests, (answer, target.asked)
    assert set(layers_of(base)) <= set(target.blobs)
    if act is stored_and_lost and part == "/uploads/":
        assert target.count("POST", "/uploads/") == 3, "\n".join(" ".join(a[:2]) for a in target.asked)
    target.stop()


def test_an_upload_that_is_always_forgotten_ends(source, build):
    serve(source, image())
    target = Losing(lambda t, h, b, last: h.command == "PATCH" and forgotten(t, h, b, last))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] < 0 and answer["code"] == "BLOB_UPLOAD_UNKNOWN" and "control/deploy" in answer["remedy"]
    assert "name and tag" not in answer["remedy"]
    target.stop()


def test_upper_case_names_are_refused_in_words(target, build):
    for name in ("Tenzir/vast", "ghcr.io/Tenzir/vast"):
        answer = build(name, target.url)
        assert answer["errnum"] == -22 and "capital letters" in answer["message"]
