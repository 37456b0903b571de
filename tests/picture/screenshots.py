# SPDX-License-Identifier: BSD-3-Clause
"""Makes the pictures of the documentation again: docs/overview.png and docs/lights.png.

pngquant makes them small.

usage, after a build in build/: PYTHONPATH=tests ~/.cache/vastfs/venv/bin/python tests/picture/screenshots.py
"""

import subprocess
import tempfile
from pathlib import Path

from browser import Browser, Tab

ROOT = Path(__file__).resolve().parents[2]
LIGHTS = ("destroyed", "deploying", "server", "unreachable", "failed")


def main():
    with tempfile.TemporaryDirectory() as directory:
        pictures = Path(directory)
        subprocess.run([ROOT / "build/tests/picture/picture-show", pictures], check=True)
        lights = pictures / "lights.html"
        images = "".join(f'<img src="{s}/status.svg" width="144" height="144">' for s in LIGHTS)
        lights.write_text(f'<body style="margin: 12px; display: flex; gap: 12px; background: #eceff2">{images}</body>')
        browser = Browser(pictures / "chromium")
        tab = Tab(browser)
        for page, name, width in (pictures / "query/overview.html", "overview.png", 1200), (lights, "lights.png", 792):
            tab.screen(width, 168)
            tab.open(page.as_uri())
            small = subprocess.run(["pngquant", "--speed", "1", "--strip", "-"], input=tab.screenshot(), capture_output=True, check=True)
            (ROOT / "docs" / name).write_bytes(small.stdout)
        browser.close()


if __name__ == "__main__":
    main()
