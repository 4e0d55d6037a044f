"""tools/serve_gallery.py: from a command to a page, and one line for what cannot be served."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from mmctl.gallery import Gallery
from tests.conftest import ROOT
from tests.test_gallery.records import make_records

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("python_multipart")

TOOL = "serve_gallery.py"


@pytest.fixture
def gallery(tmp_path):
    with Gallery(tmp_path / "g") as made:
        made.add(make_records(4))
    return tmp_path / "g"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def start_server(gallery, *options, **environment):
    """Start a server of a gallery; yields its process and the address that it prints."""
    command = [sys.executable, str(ROOT / "tools" / TOOL), str(gallery), *options]
    process = subprocess.Popen(
        [*command, "--port", str(free_port())],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    try:
        lines = iter(process.stdout.readline, "")
        yield process, next(found[1] for x in lines if (found := re.search(r"open (http\S+)", x)))
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def serve(gallery):
    with ExitStack() as stack:
        yield lambda *options, **environment: stack.enter_context(
            start_server(gallery, *options, **environment)
        )


def get(address, **headers):
    with urlopen(Request(address, headers=headers)) as answer:
        return answer.read().decode()


def test_the_printed_address_has_the_gallery(serve):
    process, address = serve()
    assert address.startswith("http://127.0.0.1:")
    assert json.loads(get(address + "api/gallery"))["tracklets"] == 4
    assert "<title>Gallery</title>" in get(address)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130


def test_who_is_slow_to_ask_does_not_keep_it_from_ending(serve):
    process, address = serve()
    place = address.partition("//")[2].strip("/")
    head = f"POST /api/answers HTTP/1.1\r\nHost: {place}\r\nContent-Length: 9\r\n"
    with socket.create_connection(place.split(":")) as slow:
        slow.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 100 ")  # the rest is waited for
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_beyond_this_machine_the_address_holds_a_token(serve):
    _, address = serve("--host", "0.0.0.0")
    address, token = address.split("#token=")
    address = "http://127.0.0.1:" + address.rpartition(":")[2]
    with pytest.raises(HTTPError, match="401"):
        get(address + "api/gallery")
    assert json.loads(get(address + "api/gallery", Authorization=f"Bearer {token}"))


def test_a_token_of_the_user_s_is_asked_for_on_this_machine_too(serve):
    token = "a-token-of-20-letters"
    _, address = serve(MMCTL_SERVE_TOKEN=token)
    assert address.endswith(f"#token={token}")
    with pytest.raises(HTTPError, match="401"):
        get(address.partition("#")[0] + "api/gallery")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "0"], "--port must be within 1 and 65535, got 0"),
        (["--config", "a.py"], "are of the model of a --checkpoint"),
        (["--checkpoint", "none.pth"], "none.pth"),
        (["--calibration", "none.json"], "none.json does not exist"),
        (["--host", "no such host"], "cannot listen on no such host port 8000"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(gallery, run_tool, capsys, options, message):
    with pytest.raises(SystemExit) as caught:
        run_tool(TOOL, str(gallery), *options)
    assert caught.value.code == 2
    (line,) = re.findall("^error: .*", capsys.readouterr().err, re.MULTILINE)
    assert message in line


def test_a_port_that_is_taken_and_a_folder_without_a_gallery(gallery, run_tool, capsys, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit):
            run_tool(TOOL, str(gallery), "--port", str(port))
    assert f"cannot listen on 127.0.0.1 port {port}: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_tool(TOOL, str(tmp_path / "none"))
    assert "none does not exist; adding tracklets makes one" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["fastapi", "python_multipart", "uvicorn"])
def test_a_missing_package_is_named(gallery, run_tool, capsys, monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith("mmctl.serving")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit):
        run_tool(TOOL, str(gallery))
    assert f"(no {package}): pip install 'mmctl[serve]'" in capsys.readouterr().err
