# SPDX-License-Identifier: BSD-3-Clause
"""config/default.env under the hands of shells, editors and copies."""

import os

import pytest
from conftest import SETTINGS, has, until

GOOD = SETTINGS + "stage=here\n"


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_shells_write_and_append(mount, shell):
    mount.ok(f"printf '{SETTINGS}' > config/default.env && cat config/default.env && echo stage=two >> config/default.env",
             shell)
    assert mount.read("config/default.env") == SETTINGS + "stage=two\n" == mount.in_force()
    assert mount.status()["stage"] == "two"


@pytest.mark.parametrize("script", [
    "cat $HOME/new > config/default.env",
    ": > config/default.env; cat $HOME/new >> config/default.env",
    ": > config/default.env; while read -r line; do echo \"$line\" >> config/default.env; done < $HOME/new",
    "truncate -s 0 config/default.env; cat $HOME/new >> config/default.env",
    "rm config/default.env; touch config/default.env; cat $HOME/new >> config/default.env",
    "perl -pi.bak -e s/old/here/ config/default.env",
    pytest.param("emacs -Q --batch config/default.env --eval '(progn (replace-string \"old\" \"here\") (save-buffer))'",
                 marks=pytest.mark.skipif(not has("emacs"), reason="no emacs")),
    pytest.param("cp $HOME/new $HOME/default.env; rsync -a $HOME/default.env config/",
                 marks=pytest.mark.skipif(not has("rsync"), reason="no rsync")),
    "cp $HOME/new $HOME/default.env; tar -C $HOME -cf - default.env | tar -C config -xf -",
    "install -b -m 600 $HOME/new config/default.env",
    "cp $HOME/new config/default.env",
    "cp -p $HOME/new config/default.env",
    "mv $HOME/new config/default.env",
    "dd if=$HOME/new of=config/default.env bs=7 status=none",
    "tee config/default.env < $HOME/new > /dev/null",
    "cp $HOME/new config/.tmp && mv config/.tmp config/default.env",
    "rm config/default.env && cp $HOME/new config/default.env",
    "sed -i s/stage=old/stage=here/ config/default.env",
    "sed -i.bak s/stage=old/stage=here/ config/default.env",
    "python3 -c 'import os; f = open(\"config/default.env\", \"r+\"); t = f.read().replace(\"old\", \"here\");"
    " f.seek(0); f.truncate(); f.write(t); f.close()'",
    pytest.param("vim -es -u NONE -N -i NONE -c '%s/old/here/' -c x config/default.env < /dev/null",
                 marks=pytest.mark.skipif(not has("vim"), reason="no vim")),
    pytest.param("vim -es -u NONE -N -i NONE -c 'set backup backupcopy=no' -c '%s/old/here/' -c x config/default.env "
                 "< /dev/null", marks=pytest.mark.skipif(not has("vim"), reason="no vim")),
    pytest.param("busybox sed -i s/old/here/ config/default.env",
                 marks=pytest.mark.skipif(not has("busybox"), reason="no busybox")),
])
def test_ways_to_change_the_settings(mount, script):
    (mount.path / "config/default.env").write_text(SETTINGS + "stage=old\n")
    (mount.base / "new").write_text(GOOD)
    mount.ok(script)
    assert mount.read("config/default.env") == GOOD == mount.in_force()
    assert mount.status()["stage"] == "here"


@pytest.mark.parametrize("line,where", [
    ("stagee=x", "line 4, column 1"), ("stage=UPPER", "line 4"), ("nonsense", "line 4"), ("vast_port=99999", "line 4")])
def test_a_bad_line_is_refused_when_it_is_written(mount, line, where):
    mount.configure()
    done = mount.shell(f"echo {line} >> config/default.env")
    assert done.returncode != 0 and "Invalid argument" in done.stderr
    assert where in mount.read("error")
    assert len(mount.read("error").splitlines()) == 1, "a refused close adds nothing to what the refused line said"
    assert mount.read("config/default.env") == SETTINGS == mount.in_force()


def test_a_bad_last_line_without_newline_is_refused_at_close(mount):
    mount.configure()
    fd = os.open(mount.path / "config/default.env", os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"stage=fine\nstage=BAD")
    with pytest.raises(OSError) as refused:
        os.close(fd)
    assert refused.value.errno == 22 and "line 2" in mount.read("error")
    assert mount.in_force() == SETTINGS


def test_what_was_refused_in_part_is_not_saved(mount):
    mount.configure()
    mount.shell("(echo stage=half; echo nonsense; echo vast_port=1) | dd of=config/default.env bs=11 status=none")
    assert mount.in_force() == SETTINGS == mount.read("config/default.env")


def test_a_bad_rename_is_refused_and_the_file_stays(mount):
    mount.configure()
    done = mount.shell("echo nonsense > config/new && mv config/new config/default.env")
    assert done.returncode != 0 and "line 1" in mount.read("error")
    assert mount.read("config/new") == "nonsense\n" and mount.in_force() == SETTINGS


def test_truncation_alone_changes_nothing(mount):
    mount.configure()
    mount.ok(": > config/default.env; truncate -s 0 config/default.env; chmod 600 config/default.env; "
             "touch config/default.env; touch -d 2001-01-01 config/default.env")
    assert mount.read("config/default.env") == SETTINGS == mount.in_force()


@pytest.mark.parametrize("empty", [":", "echo nonsense", "printf 'stage=NO'"])
def test_lines_after_a_refused_text_are_added_to_the_old_one(mount, empty):
    """A truncation counts for the next program, unless the text that followed it was refused."""
    mount.configure()
    mount.shell(f"{empty} > config/default.env")
    mount.ok("echo stage=more >> config/default.env")
    assert mount.in_force() == ("" if empty == ":" else SETTINGS) + "stage=more\n"


def test_config_says_what_it_takes(mount):
    for make in ("mkdir config/x", "ln -s /etc/passwd config/x", "ln config/default.env config/x", "mkfifo config/x"):
        mount.ok(": > error")
        assert mount.shell(make).returncode
        assert "config/ takes only regular files" in mount.read("error"), make
    assert "File name too long" in mount.shell(f"touch config/{'n' * 256}").stderr
    assert os.listdir(mount.path / "config") == ["default.env"]


def test_removed_by_name_it_stays_in_force(mount):
    mount.configure()
    mount.ok("rm config/default.env")
    assert os.listdir(mount.path / "config") == [] and mount.in_force() == SETTINGS
    assert mount.status()["region"] == "eu-west-1"
    mount.configure()
    assert os.listdir(mount.path / "config") == ["default.env"]


def test_a_renamed_file_keeps_its_time(mount):
    """GIO's editors remember the time of the file that they have open, and later find default.env unchanged."""
    with open(mount.path / "config/.goutputstream-X", "w", encoding="utf-8") as f:
        f.write(SETTINGS)
        f.flush()
        os.rename(mount.path / "config/.goutputstream-X", mount.path / "config/default.env")
        own = os.fstat(f.fileno())
    now = os.stat(mount.path / "config/default.env")
    assert (own.st_mtime_ns, own.st_size) == (now.st_mtime_ns, now.st_size) and own.st_size == len(SETTINGS)
    with open(mount.path / "config/x", "w", encoding="utf-8") as f:
        os.unlink(mount.path / "config/x")
        f.write("text")
        f.flush()
        assert os.fstat(f.fileno()).st_size == 4


def test_temporary_files_are_files(mount):
    mount.ok("echo one > config/a; echo two >> config/a; cp config/a config/b; mv config/b config/c; "
             "test \"$(cat config/c)\" = $'one\\ntwo'; truncate -s 3 config/a; test $(stat -c %s config/a) = 3; "
             "rm config/a config/c")
    assert os.listdir(mount.path / "config") == ["default.env"]
    assert sorted(os.listdir(mount.base / "config/vastfs")) == [".lock"]


def test_temporary_files_are_limited(mount):
    with open(mount.path / "config/big", "wb", buffering=0) as f:
        with pytest.raises(OSError) as refused:
            for _ in range(17):
                f.write(bytes(65536))
        assert refused.value.errno == 27
    for i in range(63):
        (mount.path / f"config/f{i}").touch()
    with pytest.raises(OSError) as refused:
        (mount.path / "config/one-too-many").touch()
    assert refused.value.errno == 28


def test_settings_are_limited(mount):
    done = mount.shell("yes '# nothing' | head -c 70000 > config/default.env")
    assert done.returncode != 0
    assert "errno=EFBIG" in mount.read("error")


def test_settings_outlive_the_mount(mount):
    mount.configure()
    mount.process.terminate()
    mount.process.wait(10)
    mount.start()
    assert until(lambda: mount.read("config/default.env")) == SETTINGS
