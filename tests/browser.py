# SPDX-License-Identifier: BSD-3-Clause
"""A headless Chromium, driven by the DevTools protocol over a WebSocket (https://chromedevtools.github.io/devtools-protocol/).

One browser serves all tests. A Tab navigates, emulates a screen, evaluates JavaScript, and records every request.
"""

import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import time

from websockets.sync.client import connect

#: Debian's package chromium-headless-shell has the first; the others do as well.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DEADLINE = 60
#: seconds until a navigation is repeated
REPEAT = 5


def program():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    def __init__(self, directory):
        # Tests run as root in containers, in which Chromium's own sandbox cannot start. It sees only files of the tests.
        self.process = subprocess.Popen(
            [program(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
             "--remote-debugging-port=0", f"--user-data-dir={directory}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        for line in self.process.stderr:
            found = re.search(r"DevTools listening on (ws://\S+)", line)
            if found:
                break
        else:
            raise RuntimeError("Chromium did not start")
        self.open = contextlib.ExitStack()
        self.socket = self.open.enter_context(connect(found[1], max_size=None, proxy=None))
        self.numbers = itertools.count(1)
        self.events = []

    def close(self):
        """The program may be a script that started the browser, so both are ended by their group."""
        self.open.close()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()

    def call(self, method, session=None, **params):
        """The result of a method. Events that arrive before it are kept in self.events."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self.socket.send(json.dumps(message))
        while True:
            reply = json.loads(self.socket.recv(timeout=DEADLINE))
            if reply.get("id") != number:
                self.events.append(reply)
            elif "error" in reply:
                raise RuntimeError(f"{method}: {reply['error']['message']}")
            else:
                return reply["result"]


class Tab:
    def __init__(self, browser):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        return self.browser.call(method, session=self.session, **params)

    def screen(self, width, height=800, scheme="light", scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        """Navigates and waits until the document is complete. The events of before are dropped.

        A page that reloads itself at that moment cancels the navigation, which is then repeated."""
        end = time.monotonic() + DEADLINE
        while True:
            self.browser.events.clear()
            self.call("Page.navigate", url=url)
            again = time.monotonic() + REPEAT
            while time.monotonic() < again:
                if self.evaluate(f"document.readyState == 'complete' && location.href == {json.dumps(url)}"):
                    return
                time.sleep(0.02)
            assert time.monotonic() < end, f"waited in vain for {url}"

    def evaluate(self, script):
        """The value of an expression. A page that reloads itself at that moment is asked again."""
        for attempt in range(5):
            try:
                done = self.call("Runtime.evaluate", expression=script, returnByValue=True)
                break
            except RuntimeError:
                if attempt == 4:
                    raise
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, condition):
        end = time.monotonic() + DEADLINE
        while not self.evaluate(condition):
            assert time.monotonic() < end, f"waited in vain for {condition}"
            time.sleep(0.02)

    def events(self, method):
        """The parameters of the events of that name since the last open()."""
        return [e["params"] for e in self.browser.events if e.get("method") == method and e.get("sessionId") == self.session]

    def screenshot(self):
        """The whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"])
