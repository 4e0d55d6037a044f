"""From a command line to a running server."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from mmctl.evaluation.calibration import read_calibration
from mmctl.evaluation.calibration_records import Source
from mmctl.gallery import Gallery
from mmctl.serving.access import Access, choose_token, is_this_machine
from mmctl.serving.desk import Desk
from mmctl.serving.gallery_app import make_app

_PATIENCE = 3
"""Seconds that an end waits for those who are slow to ask."""


@dataclass(frozen=True)
class ServedModel:
    """The model of a gallery, see ``TrackletInferencer``.

    Attributes:
        checkpoint: Weights.
        config: Config; None: the one in the checkpoint.
        feature: ``'before'`` or ``'after'`` the neck; None: as the config says.
        device: Where it runs; None: the GPU if there is one, else the CPU.
    """

    checkpoint: str
    config: str | None = None
    feature: str | None = None
    device: str | None = None


def make_desk(
    gallery: Gallery, model: ServedModel | None, calibration: Path | None
) -> tuple[Desk, list[str]]:
    """Return what answers the pages, and what does not fit, in words.

    Args:
        gallery: The gallery.
        model: Its model; None: no crops are taken.
        calibration: A file of ``calibrate.py``; None: nothing is said of similarities.

    Raises:
        FileNotFoundError: If there is no such gallery, checkpoint or calibration.
        ValueError: If the model is not the gallery's.
    """
    settings, inferencer = gallery.settings, None
    found = None if calibration is None else read_calibration(calibration)
    if model is not None:
        from mmctl.apis import TrackletInferencer
        from mmctl.apis.inference.model_identity import choose_feature

        inferencer = TrackletInferencer(
            model.config, model.checkpoint, model.device, show_progress=False
        )
        if model.feature is not None:
            choose_feature(inferencer.model, model.feature)
    desk = Desk(gallery, inferencer, found)
    source = Source(settings.model, "", settings.feature)
    return desk, [] if found is None else list(found.mismatches(source))


def serve(desk: Desk, host: str, port: int, token: str | None) -> None:
    """Serve until the process is told to end.

    Args:
        desk: What answers.
        host: Address to listen on.
        port: Its port.
        token: What is asked for; None or '': nothing on this machine, a new one beyond.

    Raises:
        OSError: If the address cannot be listened on.
        ValueError: If the token is easily guessed.
    """
    access = Access(host, port, choose_token(host, token))
    listening = _listen(host, port)
    print(f"{desk.gallery.path}: open {access.address} (end with Ctrl-C)", flush=True)
    if not is_this_machine(host):
        print(
            "whoever has this address sees the gallery; between machines it travels unencrypted: "
            "take a tunnel (ssh -L) or a proxy with TLS",
            flush=True,
        )
    config = uvicorn.Config(
        make_app(desk, access),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(kind, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()  # who opens the address at once waits for the server
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return found
