"""What comes from the web is kept by its whole address, and only if it is whole."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mmengine.runner.checkpoint as mmengine_checkpoint
import pytest
import torch
from mmengine.runner import CheckpointLoader

from mmctl.checkpoints.web_checkpoints import fetch, load_from_http_safely


def content_of(value: float) -> bytes:
    buffer = io.BytesIO()
    torch.save({"state_dict": {"weight": torch.full((300,), value)}}, buffer)
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Sends ``pages[path]``, of which ``declared`` says the length where it differs."""

    pages: dict[str, bytes]
    declared: dict[str, int]
    asked: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(self.server.declared.get(self.path, len(page))))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    server = Server(("127.0.0.1", 0), Handler)
    server.pages, server.declared, server.asked = {}, {}, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def first(checkpoint: dict) -> float:
    return float(checkpoint["state_dict"]["weight"][0])


def test_files_of_one_name_do_not_answer_for_each_other(server, tmp_path):
    server.pages = {"/a/x.pth": content_of(1.0), "/b/x.pth": content_of(2.0)}
    server.pages["/a/x.pth?v=2"] = content_of(3.0)
    for _ in range(2):
        for path, value in (("/a/x.pth", 1.0), ("/b/x.pth", 2.0), ("/a/x.pth?v=2", 3.0)):
            address = server.address + path
            assert first(load_from_http_safely(address, "cpu", str(tmp_path), False)) == value
    assert len(server.asked) == 3  # each once


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"<html>please log in</html>", "begin with b'<html>.*web page"),
        (content_of(1.0)[:-40], "it is no whole file"),
        (content_of(1.0).replace(bytes([0, 0, 0x80, 0x3F]), b"abcd"), "no whole file.*checksum"),
        (b"", "0 bytes"),
        (None, "HTTPError: HTTP Error 404"),
    ],
)
def test_what_is_no_whole_checkpoint_is_not_kept(server, tmp_path, page, message):
    if page is not None:
        server.pages["/x.pth"] = page
    with pytest.raises(
        ValueError, match=rf"{server.address}/x\.pth cannot be downloaded: .*{message}.*kept"
    ):
        load_from_http_safely(f"{server.address}/x.pth", "cpu", str(tmp_path), False)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    server.pages["/x.pth"] = content_of(4.0)
    loaded = load_from_http_safely(f"{server.address}/x.pth", "cpu", str(tmp_path), False)
    assert first(loaded) == 4.0


def test_fewer_bytes_than_declared_are_noticed(server, tmp_path):
    buffer = io.BytesIO()
    torch.save({"state_dict": {}}, buffer, _use_new_zipfile_serialization=False)
    server.pages["/x.pth"] = buffer.getvalue()
    server.declared["/x.pth"] = len(buffer.getvalue()) + 5
    with pytest.raises(ValueError, match=r"bytes came|IncompleteRead"):
        fetch(f"{server.address}/x.pth", tmp_path)
    del server.declared["/x.pth"]
    assert fetch(f"{server.address}/x.pth", tmp_path).read_bytes() == buffer.getvalue()


def test_a_hash_in_the_name_is_compared(server, tmp_path):
    content = content_of(1.0)
    digest = hashlib.sha256(content).hexdigest()[:8]
    server.pages = {f"/x-{digest}.pth": content, "/x-0123abcd.pth": content}
    server.pages["/x-20240131.pth"] = content
    server.pages["/net-a.pth"] = content
    with pytest.raises(ValueError, match="SHA-256 must begin with 0123abcd, as its name says, got"):
        fetch(f"{server.address}/x-0123abcd.pth", tmp_path)
    for name in (f"x-{digest}.pth", "x-20240131.pth", "net-a.pth"):
        assert fetch(f"{server.address}/{name}", tmp_path).read_bytes() == content


def test_a_damaged_file_of_the_cache_is_downloaded_anew(server, tmp_path):
    server.pages["/x.pth"] = content_of(1.0)
    cached = fetch(f"{server.address}/x.pth", tmp_path)
    cached.write_bytes(cached.read_bytes()[:-9])
    assert fetch(f"{server.address}/x.pth", tmp_path).read_bytes() == content_of(1.0)
    assert len(server.asked) == 2


def test_a_file_that_others_put_into_the_cache_counts_if_its_name_has_its_hash(server, tmp_path):
    content = content_of(1.0)
    digest = hashlib.sha256(content).hexdigest()[:8]
    for name in (f"x-{digest}.pth", "x.pth"):
        (tmp_path / name).write_bytes(content)
        server.pages[f"/{name}"] = content_of(2.0)
    assert fetch(f"{server.address}/x-{digest}.pth", tmp_path) == tmp_path / f"x-{digest}.pth"
    assert fetch(f"{server.address}/x.pth", tmp_path).read_bytes() == content_of(2.0)
    assert server.asked == ["/x.pth"]


class RunsCode:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_behind_a_web_address_is_read_as_safely(server, tmp_path, monkeypatch):
    made = tmp_path / "made"
    torch.save({"state_dict": RunsCode(made)}, tmp_path / "a.pth")
    server.pages["/hostile.pth"] = (tmp_path / "a.pth").read_bytes()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ValueError, match=r"hostile\.pth.*could run code"):
        CheckpointLoader.load_checkpoint(f"{server.address}/hostile.pth")
    assert not made.exists()


def test_names_of_torchvision_go_the_same_way(server, tmp_path, monkeypatch):
    server.pages["/resnet.pth"] = content_of(5.0)
    models = {"resnet9": f"{server.address}/resnet.pth"}
    monkeypatch.setattr(mmengine_checkpoint, "get_torchvision_models", lambda: models)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert first(CheckpointLoader.load_checkpoint("torchvision://resnet9")) == 5.0
    with pytest.raises(ValueError, match=r"'torchvision://resnet99' must be a name that .* knows"):
        CheckpointLoader.load_checkpoint("torchvision://resnet99")
