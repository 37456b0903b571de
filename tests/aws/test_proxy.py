# SPDX-License-Identifier: BSD-3-Clause
"""Proxies that are in the way: what is said of each, and what helps."""

import pytest
from conftest import reply
from side_by_side import World, secret_of

KEYS = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": secret_of("A"), "AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "", "AWS_ENDPOINT_URL": ""}
FOR_CREDENTIALS = "set https_proxy (http_proxy for http URLs) to http://USER:PASSWORD@HOST:PORT, or add the host to NO_PROXY, and restart vastfs"


@pytest.fixture
def proxy(tmp_path):
    running = World(tmp_path)
    yield running
    running.shutdown()
    running.server_close()


def listing(call, proxy, **env):
    return call("ecs", "ListTasks", {}, env={**KEYS, "HTTPS_PROXY": proxy.url, "http_proxy": proxy.url, **env}).reply


@pytest.mark.parametrize("status, words, remedy", [
    (407, "the proxy requires credentials (HTTP status 407)", FOR_CREDENTIALS),
    (403, "the proxy refuses to connect to this host (HTTP status 403)", "ask the administrator of the proxy to allow this host"),
    (503, "the proxy cannot connect to this host (HTTP status 503)", "check https_proxy"),
])
def test_no_tunnel(call, proxy, status, words, remedy):
    proxy.tunnel_status = status
    done = listing(call, proxy)
    assert done["errno"] < 0 and done["message"].startswith("ecs.eu-west-1.amazonaws.com: " + words), done
    assert done["remedy"].startswith(remedy), done
    assert proxy.seen == []


def test_credentials_wanted_without_a_tunnel(call, proxy):
    proxy.overrides = {".*": reply(407, b"who are you?")}
    done = listing(call, proxy, AWS_ENDPOINT_URL="http://ecs.example")
    assert "ecs.example: the proxy requires credentials" in done["message"] and done["remedy"] == FOR_CREDENTIALS, done


def test_a_proxy_with_certificates_of_its_own(call, proxy):
    done = listing(call, proxy)
    assert "certificate of the server is not trusted" in done["message"] and "set AWS_CA_BUNDLE" in done["remedy"], done
    assert listing(call, proxy, AWS_CA_BUNDLE=str(proxy.authority.path))["errno"] == 0
    assert [entry[1] for entry in proxy.seen] == ["ecs.eu-west-1.amazonaws.com"]


def test_a_file_of_certificates_that_is_none(call, proxy, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    done = listing(call, proxy, AWS_CA_BUNDLE=str(tmp_path / "empty.pem"))
    assert done["errno"] < 0 and "AWS_CA_BUNDLE" in done["remedy"], done


def test_a_proxy_that_does_not_listen(call, proxy):
    done = listing(call, proxy, HTTPS_PROXY="http://127.0.0.1:9")
    assert done["errno"] < 0 and "proxy" in done["remedy"], done


def test_a_name_of_a_proxy_that_does_not_exist(call, proxy):
    done = listing(call, proxy, HTTPS_PROXY="http://proxy.invalid:3128")
    assert done["errno"] < 0 and "https_proxy" in done["remedy"], done
