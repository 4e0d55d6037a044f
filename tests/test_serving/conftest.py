"""A gallery of drawn crops, its model, and a browser's side of its server."""

from __future__ import annotations

import shutil

import pytest

from mmctl.apis.feature_extraction import FeatureExtraction
from mmctl.apis.inference.read_inputs import InputOptions, Inputs
from mmctl.gallery import Gallery, read_records
from tests.test_apis.conftest import checkpoints, inferencers

__all__ = ["checkpoints", "inferencers"]  # fixtures

PORT = 8123


def folder_of(drawn_mars, number):
    """Return the frames of a test tracklet of the drawn set."""
    people = sorted(path for path in (drawn_mars / "bbox_test").iterdir() if path.is_dir())
    frames = sorted(people[number].glob("*.jpg"))
    return [frame for frame in frames if frame.name[:11] == frames[0].name[:11]]


@pytest.fixture(scope="session")
def filled_folder(drawn_mars, tmp_path_factory, inferencers):
    """Return the folder of a gallery of six tracklets of the baseline."""
    inferencer, folder = inferencers["baseline"], tmp_path_factory.mktemp("served")
    folders = [list(map(str, folder_of(drawn_mars, number))) for number in range(6)]
    inputs = Inputs(folders, InputOptions(inferencer.reads, camera=3))
    FeatureExtraction(inferencer, inputs, folder / "out").run()
    with Gallery(folder / "g") as gallery:
        gallery.add(read_records(folder / "out" / "features.npz", drawn_mars))
    return folder / "g"


@pytest.fixture
def filled(filled_folder, tmp_path):
    """Return a copy of it."""
    shutil.copytree(filled_folder, tmp_path / "g")
    with Gallery(tmp_path / "g") as gallery:
        yield gallery


@pytest.fixture
def browse(filled, inferencers):
    """Return a client that behaves as a page of the server does, of a desk with a model."""
    pytest.importorskip("fastapi")
    pytest.importorskip("python_multipart")
    httpx_client = pytest.importorskip("starlette.testclient").TestClient

    from mmctl.serving.access import Access
    from mmctl.serving.desk import Desk
    from mmctl.serving.gallery_app import make_app

    def make(host="127.0.0.1", token=None, with_model=True, calibration=None):
        inferencer = inferencers["baseline"] if with_model else None
        desk = Desk(filled, inferencer, calibration)
        app = make_app(desk, Access(host, PORT, token))
        return httpx_client(app, base_url=f"http://{host}:{PORT}", raise_server_exceptions=False)

    return make
