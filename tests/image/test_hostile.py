# SPDX-License-Identifier: BSD-3-Clause
"""Registries that answer badly: an error in words, and the target never has half an image."""

import base64
import json
import time

import pytest
from conftest import DOCKER, OCI, Image, Registry, digest, index_of, layer
from hostile import Hostile

SECRET = base64.b64encode(b"user:pass-word").decode()


@pytest.fixture
def source():
    registry = Hostile()
    yield registry
    registry.stop()


@pytest.fixture
def target(tmp_path):
    registry = Registry(tmp_path / "target")
    yield registry
    registry.stop()


def serve(source, image, name="evil", **blobs):
    """The image as it should be, but for the rules that the test has made before."""
    source.when("HEAD", "/manifests/", lambda h, b: h.reply(200, image.manifest, Docker_Content_Digest=digest(image.manifest),
                                                            Content_Type=image.kind))
    source.when("GET", "/manifests/", lambda h, b: h.reply(200, image.manifest, Content_Type=image.kind))
    for key, data in image.blobs.items():
        source.when("GET", key, lambda h, b, data=data: h.reply(200, data))


def layers_of(image):
    return [one["digest"] for one in json.loads(image.manifest)["layers"]]


def has_nothing(target):
    return not any(method == "PUT" and "/manifests/" in path for method, path in target.requests())


def test_a_good_image_from_here_works(source, target, build):
    serve(source, Image([layer({"a": b"a"})]))
    assert build(f"{source.host}/evil", target.url)["pushed"]


def test_a_layer_that_is_not_what_it_says(source, target, build):
    image = Image([layer({"a": b"a" * 99999})])
    key = layers_of(image)[0]
    data = bytearray(image.blobs[key])
    data[-1] ^= 1
    source.when("GET", key, lambda h, b: h.reply(200, bytes(data)))
    serve(source, image)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -74 and "changed in transit" in answer["message"]
    assert has_nothing(target) and not any(m == "PUT" and key in p for m, p in target.requests())


@pytest.mark.parametrize("how", ["cut", "error", "long"])
def test_a_layer_that_does_not_come_whole(source, target, build, how):
    image = Image([layer({"a": bytes(range(256)) * 4000})])
    key = layers_of(image)[0]
    data = image.blobs[key]
    acts = {"cut": lambda h, b: h.reply(200, data[:50], length=len(data)), "error": lambda h, b: h.reply(503, b"<html>"),
            "long": lambda h, b: h.reply(200, data + b"x")}
    source.when("GET", key, acts[how])
    serve(source, image)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] < 0 and answer["message"]
    assert has_nothing(target)
    if how != "long":
        assert sum(key in path for _, path, _ in source.asked) == 4, "tried again"


def test_a_layer_that_comes_at_the_second_try(source, target, build):
    image = Image([layer({"a": bytes(range(256)) * 4000})])
    key = layers_of(image)[0]
    data = image.blobs[key]
    left = [1]

    def act(handler, _):
        if left:
            left.pop()
            handler.reply(200, data[:50], length=len(data))
        else:
            handler.reply(200, data)

    source.when("GET", key, act)
    serve(source, image)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["pushed"] and target.blob("vast-default", key) == data


def test_a_redirect_to_nowhere(source, target, build):
    image = Image([layer({"a": b"a"})])
    source.when("GET", layers_of(image)[0], lambda h, b: h.reply(307, Location="http://127.0.0.1:1/x"))
    serve(source, image)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] < 0 and has_nothing(target)


def bearer(source, image, password=None):
    """Docker's token flow; with a password the token service wants it."""
    challenge = f'Bearer realm="{source.url}/token",service="s,1",scope="repository:evil:pull"'

    def token(handler, _):
        if password and handler.headers.get("Authorization") != f"Basic {password}":
            handler.reply(401, b'{"details":"incorrect"}')
        else:
            handler.reply(200, b'{"access_token":"tok-en","expires_in":300}')

    def guard(act):
        def guarded(handler, body):
            if handler.headers.get("Authorization") == "Bearer tok-en":
                act(handler, body)
            else:
                handler.reply(401, b"{}", WWW_Authenticate=challenge)
        return guarded

    source.when("GET", "/token", token)
    first = len(source.rules)
    serve(source, image)
    source.rules[first:] = [(m, p, guard(a)) for m, p, a in source.rules[first:]]


def test_tokens_stay_with_their_host(source, target, build):
    image = Image([layer({"a": b"a"})])
    storage = Hostile()
    key = layers_of(image)[0]
    storage.when("GET", "/elsewhere", lambda h, b: h.reply(200, image.blobs[key]))
    bearer(source, image)
    source.rules.insert(0, ("GET", key, lambda h, b: h.reply(307, Location=storage.url + "/elsewhere?x=1")))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["pushed"]
    assert [authorization for _, _, authorization in storage.asked] == [None]
    (asked,) = [path for _, path, _ in source.asked if path.startswith("/token")]
    assert "service=s%2c1" in asked.lower() and "scope=repository%3aevil%3apull" in asked.lower()
    storage.stop()


def test_private_images(source, target, build, tmp_path):
    bearer(source, Image([layer({"a": b"a"})]), password=SECRET)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -13 and "docker login" in answer["remedy"]
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {source.host: {"auth": SECRET}}}))
    answer = build(f"{source.host}/evil", target.url, DOCKER_CONFIG=str(tmp_path / "docker"))
    assert answer["pushed"], answer


def test_a_mirror_gets_no_credentials_of_others(source, target, build, tmp_path):
    image = Image([layer({"a": b"a"})])
    bearer(source, image)
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": SECRET}}}))
    answer = build("evil/evil", target.url, DOCKER_CONFIG=str(tmp_path / "docker"), VASTFS_REGISTRY_MIRROR=source.url)
    assert answer["pushed"], answer
    assert not any(SECRET in (authorization or "") for _, _, authorization in source.asked)


def test_an_index_in_an_index(source, target, build):
    inner = Image([layer({"a": b"a"})])
    inner.kind = OCI + "index.v1+json"
    outer = Image([])
    outer.manifest, outer.kind = index_of(inner), inner.kind
    serve(source, outer)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -95 and "is another index" in answer["message"]


def test_no_such_platform_names_what_there_is(source, target, build):
    outer = Image([])
    outer.manifest, outer.kind = index_of(Image([layer({"a": b"a"})])), OCI + "index.v1+json"
    serve(source, outer)
    answer = build(f"{source.host}/evil", target.url, architecture="arm64")
    assert answer["errnum"] == -2 and "available: linux/amd64" in answer["message"]


@pytest.mark.parametrize("kind, word", [(OCI + "layer.v1.tar+zstd", "zstd"), (OCI + "layer.v1.tar", "not compressed"),
                                        (DOCKER + "image.rootfs.foreign.diff.tar.gzip", "foreign"), ("x/y", "unknown media type")])
def test_layers_that_lambda_cannot_run(source, target, build, kind, word):
    serve(source, Image([layer({"a": b"a"})], layer_type=kind))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -95 and word in answer["message"] and has_nothing(target)


def test_a_manifest_without_end(source, target, build):
    image = Image([layer({"a": b"a"})])
    source.when("GET", "/manifests/", lambda h, b: [h.reply(200, b" " * (5 << 20), length=100 << 20)])
    serve(source, image)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -27 and answer["rss_kib"] < 400_000


def test_html_and_nonsense(source, target, build):
    for method in ("HEAD", "GET"):
        source.when(method, "/manifests/", lambda h, b: h.reply(200, b"<html>", Content_Type="text/html"))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -74 and "not a JSON object" in answer["message"]
    assert has_nothing(target)


def test_a_target_that_accepts_and_forgets(source, build):
    image = Image([layer({"a": b"a"})])
    serve(source, image)
    target = Hostile()
    target.when("POST", "/uploads/", lambda h, b: h.reply(202, Location="/v2/upload?x=1"))
    target.when("PATCH", "/v2/upload", lambda h, b: h.reply(201, Location="/v2/upload?x=2"))
    target.when("PUT", "/", lambda h, b: h.reply(201))
    answer = build(f"{source.host}/evil", target.url)
    assert answer["errnum"] == -5 and "does not have it" in answer["message"]
    assert not any(method == "PUT" and "/manifests/" in path for method, path, _ in target.asked)
    target.stop()


def test_a_registry_that_tells_no_digest(source, target, build):
    image = Image([layer({"a": b"a"})])
    source.when("HEAD", "/manifests/", lambda h, b: h.reply(200, image.manifest, Content_Type=image.kind))
    serve(source, image)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["pushed"]
    again = build(f"{source.host}/evil@{digest(image.manifest)}", target.url)
    assert (again["digest"], again["pushed"]) == (answer["digest"], False)


def test_a_registry_whose_digest_is_none(source, target, build):
    image = Image([layer({"a": b"a"})])
    for told in ("sha256:1", "x" * 500):
        source.rules.clear()
        source.when("HEAD", "/manifests/", lambda h, b, told=told: h.reply(200, image.manifest, Docker_Content_Digest=told))
        serve(source, image)
        answer = build(f"{source.host}/evil", target.url)
        assert answer["errnum"] == -74 and "has no valid digest" in answer["message"]
    assert has_nothing(target)


TOO_MANY = json.dumps({"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your unauthenticated pull rate limit."}]})


def limited(source, image, **headers):
    """Docker Hub counts GETs of manifests, and answers HEAD."""
    source.when("GET", "/manifests/", lambda h, b: h.reply(429, TOO_MANY.encode(), **headers))
    serve(source, image)


@pytest.mark.parametrize("headers, words, absent", [
    ({"ratelimit_limit": "100;w=21600", "ratelimit_remaining": "0;w=21600", "docker_ratelimit_source": "192.0.2.1"},
     ["allows 100 downloads in 6h 0m to 192.0.2.1", "docker login", "VASTFS_REGISTRY_MIRROR", "wait, at most 6h 0m"], []),
    ({"RateLimit_Limit": "200;w=21600", "RateLimit_Remaining": "0;w=21600", "Retry_After": "2220",
      "Docker_RateLimit_Source": "7cbf80de-93ff-4d6e-a3b4-3bb1b6b4d5a9"},
     ["to this account", "VASTFS_REGISTRY_MIRROR", "try again in 37m"], ["docker login", "7cbf80de"]),
    ({"Retry_After": "Fri, 31 Dec 2100 23:59:59 GMT"}, ["docker login", "try again in"], ["allows"]),
    ({"ratelimit_limit": "many", "ratelimit_remaining": "0", "docker_ratelimit_source": "a\x1b[31m", "Retry_After": "-5"},
     ["wait and try again"], ["allows", "31m"]),
])
def test_docker_hubs_limit_is_explained_and_not_run_against(source, target, build, headers, words, absent):
    limited(source, Image([layer({"a": b"a"})]), **headers)
    answer = build(f"{source.host}/evil", target.url)
    assert answer["code"] == "TOOMANYREQUESTS" and "pull rate limit" in answer["message"]
    for word in words:
        assert word in answer["remedy"]
    for word in absent:
        assert word not in answer["remedy"]
    assert sum(m == "GET" and "/manifests/" in path for m, path, _ in source.asked) == 1, "asked once"
    assert has_nothing(target)


def test_a_registry_that_wants_a_moment(source, target, build):
    image = Image([layer({"a": b"a"})])
    asked = []

    def refuse_once(handler, _body):
        asked.append(time.monotonic())
        if len(asked) == 1:
            return handler.reply(429, b"slow down", Retry_After="2")
        return handler.reply(200, image.manifest, Content_Type=image.kind)

    source.when("GET", "/manifests/", refuse_once)
    serve(source, image)
    assert build(f"{source.host}/evil", target.url)["pushed"]
    assert len(asked) == 2 and asked[1] - asked[0] >= 2
