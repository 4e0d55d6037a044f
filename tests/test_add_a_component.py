"""The code of docs/en/add_a_component.md, written into a project of its own and run."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import Registry, init_default_scope

import mmctl.registry
from mmctl.engine import prepare_config, read_config, run_command
from mmctl.registry import DATASETS, MODELS
from mmctl.structures import TrackletSample
from tests.conftest import ROOT, data_options, load_tool
from tests.forked_processes import run_forked

PAGE = (ROOT / "docs" / "en" / "add_a_component.md").read_text()
FILES = dict(re.findall(r"^`(\w+\.py)`(?:, [^\n]*)?:\n\n```python\n(.*?)```", PAGE, re.M | re.S))
PEOPLE = {"anna": "0001", "ben": "0003", "carl": "0005", "dora": "0007"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files of the page, as a stranger's."""
    folder = tmp_path / "my_project"
    folder.mkdir()
    for name in FILES:
        write(folder, name)
    return folder


def write(folder: Path, name: str, right: str = "", wrong: str = "") -> None:
    """Write a file of the page, with a text replaced; its base by path: a checkout is no wheel."""
    assert right in FILES[name]
    text = FILES[name].replace('"mmctl::', f'"{ROOT}/configs/')
    (folder / name).write_text(text.replace(right, wrong) if right else text)


@pytest.fixture(autouse=True)
def _strange_modules_are_forgotten():
    """Let every test import and register the modules of its own project."""
    registries = [part for part in vars(mmctl.registry).values() if isinstance(part, Registry)]
    before, known = set(sys.modules), [dict(part.module_dict) for part in registries]
    yield
    for name in set(sys.modules) - before:
        if f"{name}.py" in FILES:
            del sys.modules[name]
    for part, names in zip(registries, known, strict=True):
        for name, component in list(part.module_dict.items()):
            if name not in names and f"{component.__module__}.py" in FILES:
                del part.module_dict[name]


def train(project: Path, config: str, options: list[str]) -> None:
    """Run tools/train.py from the project's folder, its output into ``output.txt``."""
    with open(project / "output.txt", "w", buffering=1) as output:
        sys.stdout = sys.stderr = output
        os.chdir(project)
        sys.argv = ["train.py", config, "--work-dir", "run", "--cfg-options", *options]
        run_command(load_tool("train.py").main)


def trained(project: Path, config: str, options: list[str]) -> tuple[str, dict]:
    """Train for an epoch of two steps; return the log and the weights."""
    options = [*options, "train_cfg.max_epochs=1", "default_hooks.logger.interval=1"]
    status = run_forked(train, [(project, config, options)])
    output = (project / "output.txt").read_text()
    assert status == [0], output[-3000:]
    log = "".join(path.read_text() for path in (project / "run").glob("*/*.log"))
    weights = torch.load(project / "run" / "epoch_1.pth", weights_only=False)["state_dict"]
    return log, weights


def test_every_block_of_python_is_a_named_file():
    assert len(FILES) == PAGE.count("```python") >= 12
    configs = [name for name, text in FILES.items() if text.startswith("_base_")]
    imported = re.findall(r'imports=\["(\w+)"\]', "".join(FILES[name] for name in configs))
    assert sorted(imported) == sorted(name[:-3] for name in FILES if name not in configs)


def test_a_loss_of_ones_own_is_computed_weighted_logged_and_trained(project, drawn_mars):
    log, weights = trained(project, "center.py", data_options(drawn_mars))
    assert "loss_center_global: " in log
    assert weights["head.losses.center.global.centers"].shape == (8, 128)


def test_a_classifier_of_ones_own_takes_the_labels(project, drawn_mars):
    _, weights = trained(project, "arc.py", data_options(drawn_mars))
    assert weights["head.classifiers.global.weight"].shape == (8, 128)


def test_all_layers_of_the_graph_head_may_be_ones_own(project, drawn_mars):
    _, weights = trained(project, "own_graph.py", data_options(drawn_mars))
    names = "".join(weights)
    for name in ("layers.s3.1.weight", "topologies.s1.0.embed", "transfers.2.s2.attention"):
        assert f"graph_head.{name}" in names
    assert "collapse" not in names
    assert "mask" not in names


def test_clip_modes_of_ones_own_train_and_are_tested_with(project, drawn_mars):
    log, _ = trained(project, "own_clips_config.py", [*data_options(drawn_mars), *VALIDATED])
    assert re.search(r"query-in-gallery.* halves clips: mAP", log)


VALIDATED = ["train_cfg.val_interval=1"]


def test_a_hook_of_ones_own_runs(project, drawn_mars):
    log, _ = trained(project, "neck_scale.py", data_options(drawn_mars))
    assert re.search(r"Epoch\(train\).* neck_scale: \S+", log), re.findall(r"Epoch.*", log)
    assert "grad_norm: " in log  # those of the base are kept


@pytest.fixture
def walks(project: Path, drawn_mars: Path) -> Path:
    """Drawn people in the layout of the page."""
    root = project / "data" / "walks"
    for camid, camera in enumerate(("north", "south"), start=1):
        for name, pid in PEOPLE.items():
            folder = root / "frames" / camera / name
            folder.mkdir(parents=True)
            section = "bbox_train" if (drawn_mars / "bbox_train" / pid).is_dir() else "bbox_test"
            frames = sorted((drawn_mars / section / pid).glob(f"*C{camid}T0001F*.jpg"))
            for number, frame in enumerate(frames, start=1):
                shutil.copy(frame, folder / f"{number:04}.jpg")
            (folder / ".DS_Store").touch()
    text = re.search(r"people\.json +(\[.*\])", PAGE)
    (root / "people.json").write_text(text[1])
    return root


def test_a_data_set_of_ones_own_trains_and_is_tested(project, walks):
    batch = ["train_dataloader.batch_size=4", "train_dataloader.sampler.num_pids=2"]
    workers = [f"{part}_dataloader.num_workers=0" for part in ("train", "val", "test")]
    log, _ = trained(project, "walks_baseline.py", [*batch, *workers, *VALIDATED])
    assert re.search(r"Walks, protocol query-excluded .*: mAP", log)


def built_walks(project: Path, **arguments):
    read_config(project / "walks_baseline.py")
    return DATASETS.build({"type": "Walks", "data_root": str(project / "data/walks"), **arguments})


def test_the_rows_of_its_keypoints_are_the_frames_that_it_names(project, walks):
    names = built_walks(project).frame_names()
    (walks / "info").mkdir()
    np.save(walks / "info" / "keypoints.npy", np.zeros((len(names), 17, 3), np.float32))
    for split in ("train", "test"):
        dataset = built_walks(project, split=split, keypoint_file="info/keypoints.npy")
        assert [dataset.get_data_info(i)["split"] for i in range(4)] == (
            ["train"] * 4 if split == "train" else ["query", "query", "gallery", "gallery"]
        )
        for index in range(4):
            info = dataset.get_data_info(index)
            rows = [str(walks / names[row]) for row in info["keypoint_rows"]]
            assert rows == info["frame_paths"]
    assert dataset.get_data_info(0)["pid"] == dataset.get_data_info(2)["pid"] == 3


def test_its_errors_are_those_of_the_helpers(project, walks):
    shutil.move(walks / "frames/south/dora/0001.jpg", walks / "frames/south/dora/x.jpg")
    with pytest.raises(ValueError, match=r"dora: the name of every frame must have its number"):
        built_walks(project)
    shutil.rmtree(walks / "frames/south/dora")
    (walks / "frames/south/dora").mkdir()
    with pytest.raises(ValueError, match=r"dora must hold the \.jpg frames of a walk, got none"):
        built_walks(project)
    np.save(walks / "few.npy", np.zeros((2, 17, 3), np.float32))
    (walks / "frames/south/dora/0001.jpg").touch()
    text = r"one row per frame.*To make it: python tools/.*/extract_keypoints\.py CONFIG"
    with pytest.raises(ValueError, match=text):
        built_walks(project, keypoint_file="few.npy")


def full_size_batch() -> dict:
    samples = [TrackletSample(pid=i, gt_label=i // 2, camid=1, split="train") for i in range(4)]
    for sample in samples:
        sample.keypoints = torch.rand(1, 1, 17, 3) * torch.tensor([127.0, 255.0, 1.0])
    inputs = [torch.randint(0, 256, (1, 1, 3, 256, 128), dtype=torch.uint8) for _ in samples]
    return {"inputs": inputs, "data_samples": samples}


@pytest.mark.parametrize("name", ["convnext_tiny", "swin_tiny", "vit_small"])
def test_a_backbone_of_mmpretrain_takes_a_step(project, name):
    cfg = prepare_config(project / f"{name}.py")
    init_default_scope("mmctl")
    model = MODELS.build(cfg.model)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
    before = next(model.backbone.parameters()).clone()
    logged = model.train_step(full_size_batch(), wrapper)
    assert logged["loss"].isfinite()
    assert not torch.equal(before, next(model.backbone.parameters()))


@pytest.mark.parametrize(
    ("name", "key", "message"),
    [
        ("convnext_tiny", "gap_before_final_norm", "set gap_before_final_norm=False in the"),
        ("vit_small", "out_type", "set out_type='featmap' in the backbone's config"),
        ("convnext_tiny", "channels", "those of the backbone's last map, 768, got 2048"),
    ],
)
def test_a_backbone_without_its_keys_is_refused_when_the_model_is_built(
    project, name, key, message
):
    cfg = prepare_config(project / f"{name}.py")
    if key == "channels":
        cfg.model.head.channels = 2048
    else:
        cfg.model.backbone.pop(key)
    init_default_scope("mmctl")
    with pytest.raises(ValueError, match="backbone") as caught:
        MODELS.build(cfg.model)
    assert message in str(caught.value)


def lines_of_the_table() -> list[str]:
    rows = re.findall(r"^\| [^|]+ \| `(.+)` \|$", PAGE.partition("## When it does not")[2], re.M)
    return [row for row in rows if row != "the line"]


LOSS = FILES["center_loss.py"]
MISTAKES = {
    "forgotten import": ("center.py", 'custom_imports = dict(imports=["center_loss"])\n', ""),
    "module not found": ("center.py", '"center_loss"', '"center_los"'),
    "module that fails": ("center_loss.py", "import Tensor, nn", "import Tensor"),
    "another package's": (
        "center_loss.py",
        "from mmctl.registry",
        "from mmpretrain.registry",
    ),
    "a name that exists": ("center_loss.py", "class CenterLoss", "class DiversityLoss"),
    "another base class": (
        "neck_scale_hook.py",
        "class NeckScaleHook(Hook)",
        "class NeckScaleHook",
    ),
    "a misspelt argument": ("center.py", "loss_weight", "loss_weigt"),
    "a parameter": ("center_loss.py", "features: Tensor, labels", "x: Tensor, target"),
}


@pytest.mark.parametrize(
    ("mistake", "line"), list(zip(MISTAKES, lines_of_the_table(), strict=True))
)
def test_a_mistake_ends_in_the_line_of_the_page(project, monkeypatch, mistake, line):
    name = MISTAKES[mistake][0]
    write(project, *MISTAKES[mistake])
    monkeypatch.chdir(project)
    init_default_scope("mmctl")
    config = "neck_scale.py" if "hook" in name else "center.py"
    with pytest.raises((ValueError, TypeError)) as caught:
        MODELS.build(prepare_config(config).model)
    for part in line.split("..."):
        assert part.strip(" ;") in str(caught.value)
