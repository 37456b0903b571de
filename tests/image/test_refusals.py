# SPDX-License-Identifier: BSD-3-Clause
"""One reply of one registry is a refusal, or not what was asked for: the message says which, and no half image is ever tagged."""

import json

import pytest
from conftest import OCI, Image, digest, index_of, layer
from hostile import Hostile
from test_habits import Losing, guard, image, log_in, once
from test_hostile import bearer, layers_of, serve, source  # noqa: F401 (a fixture)

DENIED = b'{"errors":[{"code":"DENIED","message":"not for you"}]}'


def answers(status, body=b"", **headers):
    def act(_target, handler, _body, _last):
        handler.reply(status, body, **headers)
        return True
    return act


def stored_and_forbidden(target, handler, body, last):
    """The reply to the upload is a refusal, although the blob is stored."""
    path, _, query = handler.path.partition("?")
    target.blobs[query.partition("digest=")[2].replace("%3a", ":").replace("%3A", ":")] = target.uploads.pop(last)
    handler.reply(403, DENIED)
    return True


def other_image(target, handler, body, last):
    """A colleague moves the tag at the same moment."""
    target.manifests[last] = b"{}"
    handler.reply(201)
    return True


def target_of(method, part, act, every=False):
    def condition(h):
        return h.command == method and part in h.path

    return Losing((lambda t, h, b, last: condition(h) and act(t, h, b, last)) if every else once(condition, act))


@pytest.mark.parametrize("method, part, act, message", [
    ("HEAD", "/blobs/", answers(403), "cannot look up layer sha256:"),
    ("POST", "/uploads/", answers(403, DENIED), "cannot begin to store layer sha256:"),
    ("POST", "/uploads/", answers(202), "names no upload URL"),
    ("POST", "/uploads/", answers(202, Location="ftp://127.0.0.1/x"), "names no upload URL"),
    ("PATCH", "/uploads/", answers(403, DENIED), "cannot send layer sha256:"),
    ("PUT", "/uploads/", answers(403, DENIED), "cannot store layer sha256:"),
    ("PUT", "/manifests/", answers(403, DENIED), "cannot store the manifest: not for you (HTTP 403)"),
    ("PUT", "/manifests/", other_image, "has another image under the tag"),
])
def test_the_target_refuses(source, build, method, part, act, message):
    serve(source, image())
    target = target_of(method, part, act)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    assert answer["errnum"] < 0 and not answer["pushed"] and message in answer["message"], answer
    assert target.count("PUT", "/manifests/") == ("manifest" in part), "the tag comes last"


@pytest.mark.parametrize("method, part, act", [
    ("HEAD", "/blobs/", answers(405)),  # a registry without HEAD
    ("HEAD", "/blobs/", answers(200, b"a page of a proxy")),
    ("PUT", "/uploads/", stored_and_forbidden),
])
def test_the_target_has_habits(source, build, method, part, act):
    serve(source, image())
    target = target_of(method, part, act)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    assert answer["pushed"] and answer["digest"] in target.manifests, answer


def test_a_target_without_head_at_all(source, build):
    """What cannot be looked up afterwards is believed; the manifest would be refused."""
    serve(source, image())
    target = target_of("HEAD", "/blobs/", answers(405), every=True)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    assert answer["pushed"] and set(layers_of(image())) <= set(target.blobs)


def test_a_layer_of_the_same_registry_is_mounted(build):
    """Nothing is sent if the registry has the blob in another repository."""
    base = image()
    (key,) = layers_of(base)

    def act(target, handler, _body, _last):
        if key.replace(":", "%3a") not in handler.path.lower() or "from=evil" not in handler.path:
            return False
        target.blobs[key] = base.blobs[key]
        handler.reply(201)
        return True

    target = target_of("POST", "/uploads/", act, every=True)
    target.manifests.update({"latest": base.manifest, digest(base.manifest): base.manifest})
    target.blobs.update({one: data for one, data in base.blobs.items() if one != key})
    answer = build(f"{target.host}/evil", target.url)
    target.stop()
    assert answer["pushed"], answer
    assert not any(method == "GET" and key in path for method, path, _ in target.asked)


def loop(handler, _body):
    handler.reply(307, Location=handler.path)


@pytest.mark.parametrize("reply, message", [
    (lambda h, b: h.reply(403, DENIED), "cannot read layer sha256:"),
    (lambda h, b: h.reply(200, b"<html>"), None),  # a page of a proxy; tried again
    (loop, "too often"),
    (lambda h, b: h.reply(307, Location="ftp://127.0.0.1/x"), "is redirected to an invalid"),
    (lambda h, b: h.reply(307), "is redirected to an invalid"),
    (lambda h, b: h.reply(200, b"a" * 100_000), "is larger than its manifest lists"),
])
def test_the_source_refuses_a_layer(source, build, reply, message):
    base = image()
    source.rules.append(("GET", layers_of(base)[0], once_or_always(source, reply, once=message is None)))
    serve(source, base)
    target = Losing(lambda *_: False)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    if message is None:
        assert answer["pushed"], answer
    else:
        assert answer["errnum"] < 0 and message in answer["message"] and not target.manifests, answer


def once_or_always(registry, reply, once):
    """A rule for Hostile; after the first time the rules behind it decide if once is set."""
    done = []

    def act(handler, body):
        if not (once and done):
            done.append(1)
            return reply(handler, body)
        for method, part, other in registry.rules:
            if other is not act and method == handler.command and part in handler.path:
                return other(handler, body)
        return None
    return act


def test_a_token_that_expires_during_the_copy(source, build):
    """The copy goes on with a new one, and does not send again what has arrived."""
    base = image()
    bearer(source, base)
    key = layers_of(base)[0]
    source.rules.insert(0, ("GET", key, once_or_always(source, lambda h, b: h.reply(401, b"{}"), once=True)))
    target = Losing(lambda *_: False)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    assert answer["pushed"], answer
    assert sum(path.startswith("/token") for _, path, _ in source.asked) == 1
    assert target.count("POST", "/uploads/") <= 4


@pytest.mark.parametrize("part, reply, message", [
    ("/manifests/sha256:", lambda base: lambda h, b: h.reply(200, b"{}"), "the manifest has the digest"),
    ("/manifests/sha256:", lambda base: loop, "redirects to an invalid or less secure URL, or too often"),
    ("/manifests/sha256:", lambda base: lambda h, b: h.reply(307, Location="ftp://127.0.0.1/"), "redirects to an invalid"),
    ("config", lambda base: lambda h, b: h.reply(403, DENIED), "cannot read the config: not for you"),
    ("config", lambda base: lambda h, b: h.reply(200, b"{}"), "the config has the digest"),
])
def test_the_source_refuses_a_document(source, build, part, reply, message):
    base = image()
    if part == "config":
        part = json.loads(base.manifest)["config"]["digest"]
    source.when("GET", part, reply(base))
    serve(source, base)
    target = Losing(lambda *_: False)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    assert answer["errnum"] < 0 and message in answer["message"] and not target.manifests, answer


def test_an_index_behind_the_platform(source, build):
    """The entry for the platform has the media type of a manifest, the reply that of an index."""
    inner, outer = Image([]), Image([])
    inner.manifest = index_of(image())
    outer.manifest, outer.kind = index_of(inner), OCI + "index.v1+json"
    source.when("GET", digest(inner.manifest), lambda h, b: h.reply(200, inner.manifest, Content_Type=OCI + "index.v1+json"))
    serve(source, outer)
    target = Losing(lambda *_: False)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    assert answer["errnum"] == -22 and "refers to another index" in answer["message"], answer


def test_a_manifest_that_lists_a_layer_twice(source, build):
    same = layer({"a": b"a" * 5000})
    base = Image([same, same])
    serve(source, base)
    target = Losing(lambda *_: False)
    answer = build(f"{source.host}/evil", target.url)
    target.stop()
    assert answer["pushed"] and target.count("POST", "/uploads/") == 3, answer


@pytest.mark.parametrize("is_private", [False, True])
def test_no_password_for_a_mirror_without_encryption(source, build, tmp_path, is_private):
    """The mirror is behind a proxy, which could read the password."""
    log_in(tmp_path, "mirror.example")
    serve(source, image(), name="evil/evil")
    if is_private:
        guard(source, ['Basic realm="x"'], "never")
    target = Losing(lambda *_: False)
    answer = build("evil/evil", target.url, VASTFS_REGISTRY_MIRROR="http://mirror.example", http_proxy=source.url, no_proxy="127.0.0.1")
    target.stop()
    assert not any(authorization for _, _, authorization in source.asked)
    assert answer["pushed"] != is_private, answer
    if is_private:
        assert "set VASTFS_REGISTRY_MIRROR to an https URL" in answer["remedy"], answer
