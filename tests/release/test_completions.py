# SPDX-License-Identifier: BSD-3-Clause
"""The completions complete what a user types, in the shells themselves."""

import os
import pty
import select
import subprocess
import time

import pytest

from conftest import BUILD, ROOT

COMPLETIONS = ROOT / "contrib/completions"
ENVIRONMENT = {"PATH": f"{BUILD}:{os.environ['PATH']}", "TERM": "dumb", "LANG": "C.UTF-8"}
DEADLINE = 60


def bash(tmp_path, *words):
    """The candidates for the last word, as bash's completion finds them."""
    script = f"""
compopt() {{ :; }}
. {COMPLETIONS}/vastfs.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_vastfs
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script, "bash", "vastfs", *words], env={**ENVIRONMENT, "HOME": str(tmp_path)},
                          capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def fish(tmp_path, *words):
    line = " ".join(["vastfs", *words])
    done = subprocess.run(["fish", "--no-config", "-c", f"source {COMPLETIONS}/vastfs.fish; complete -C '{line}'"],
                          env={**ENVIRONMENT, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    return [candidate.split("\t")[0] for candidate in done.stdout.splitlines()]


def zsh(tmp_path, *words):
    """What an interactive zsh shows after a word and two tabs: zsh completes only in its line editor."""
    (tmp_path / ".zshrc").write_text(
        f"fpath=({COMPLETIONS} $fpath)\nautoload -Uz compinit && compinit -u -d {tmp_path}/dump\n"
        "PS1='ready> '\nunsetopt menu_complete auto_menu\nsetopt auto_list list_ambiguous\nLISTMAX=1000\n")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("zsh", ["zsh", "-i"], {**ENVIRONMENT, "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)})
    seen = ""

    def until(*texts):
        nonlocal seen
        end = time.monotonic() + DEADLINE
        while not all(text in seen for text in texts):
            assert time.monotonic() < end, seen
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")
        return seen

    try:
        until("ready> ")
        os.write(terminal, (" ".join(["vastfs", *words]) + "\t\t").encode())
        yield until
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("shell", [bash, fish])
def test_tasks_are_completed_after_a_mount_point(shell, tmp_path, tree):
    assert set(shell(tmp_path, "shell", str(tree), "")) == {"0123aa", "0456bb", "default"}
    assert shell(tmp_path, "shell", str(tree), "04") == ["0456bb"]


def test_zsh_completes_tasks(tmp_path, tree):
    for until in zsh(tmp_path, "shell", str(tree), ""):
        until("0123aa", "0456bb", "default")


def test_bash_expands_a_tilde_and_quotes(tmp_path, tree):
    assert bash(tmp_path, "shell", "~/vast", "012") == ["0123aa"]
    assert bash(tmp_path, "shell", f"'{tree.parent}/a vast'", "045") == ["0456bb"]


def test_bash_runs_nothing_that_stands_in_a_word(tmp_path, tree):
    bash(tmp_path, "shell", f"$(touch {tmp_path}/ran)", "")
    bash(tmp_path, "shell", f"`touch {tmp_path}/ran`", "")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("shell", [bash, fish])
def test_options_are_completed(shell, tmp_path):
    assert "--config-dir" in shell(tmp_path, "--co")
    words = shell(tmp_path, "-o", "")
    assert {"ro", "stage=", "config_dir="} <= {word.replace("\\", "") for word in words}
    assert any(word.endswith("umask=") for word in shell(tmp_path, "-o", "ro,um"))


def test_zsh_completes_mount_options(tmp_path):
    for until in zsh(tmp_path, "-o", ""):
        until("umask", "coredump")


@pytest.mark.parametrize("shell", [bash, fish])
def test_the_first_word_may_be_shell(shell, tmp_path):
    assert "shell" in shell(tmp_path, "she")
