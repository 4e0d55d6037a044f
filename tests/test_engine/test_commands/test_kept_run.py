"""One config trained and tested in a folder, with steps that only leave their files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mmctl.engine.commands.kept_run import KeptRun, claim_folder, keep

NUMBERS = {"mAP": 50.0, "num_queries": 3, "num_gallery": 4, "protocol": "cross-camera"}


class Steps:
    """Notes the commands; a training writes ``last_checkpoint`` only if there is none."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.logs: list[str] = []

    def __call__(self, command: list[str], log: Path) -> None:
        assert log.parent.is_dir()
        self.commands.append(command)
        self.logs.append(log.name)
        option = "--work-dir" if command[0].endswith("train.py") else "--metrics-file"
        path = Path(command[command.index(option) + 1])
        if option == "--metrics-file":
            path.write_text(json.dumps(NUMBERS))
        elif not (path / "last_checkpoint").exists():
            (path / "epoch_2.pth").touch()
            (path / "last_checkpoint").write_text(str(path / "epoch_2.pth"))


@pytest.fixture
def steps() -> Steps:
    return Steps()


def test_training_and_test_are_commands_that_a_user_may_type(steps: Steps, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    run = KeptRun("cfg.py", folder, ["a=1", "b=2"], call=steps)
    assert run.test(run.train("--no-validate"), "--out", "f.npz") == NUMBERS
    train = f"tools/train.py cfg.py --work-dir {folder} --resume --no-validate"
    test = f"tools/test.py cfg.py {folder / 'epoch_2.pth'} --work-dir {folder / 'test'} "
    test += f"--metrics-file {folder / 'metrics.json'} --out f.npz"
    assert [" ".join(command) for command in steps.commands] == [
        f"{command} --cfg-options a=1 b=2" for command in (train, test)
    ]
    assert steps.logs == ["train.txt", "test.txt"]


def test_without_checkpoint_or_overrides_none_are_named(steps: Steps, tmp_path: Path) -> None:
    run = KeptRun(Path("cfg.py"), tmp_path, [], tools=Path("/t"), call=steps)
    run.test(None, name="other.json", log="other.txt")
    (command,) = steps.commands
    assert command[:3] == ["/t/test.py", "cfg.py", "--work-dir"]
    assert command[-2:] == ["--metrics-file", str(tmp_path / "other.json")]
    assert steps.logs == ["other.txt"]


@pytest.mark.parametrize("is_copy", [True, False])
def test_a_folder_that_was_moved_or_copied_tests_its_own_checkpoint(
    steps: Steps, tmp_path: Path, is_copy: bool
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    KeptRun("cfg.py", old, [], call=steps).train()
    (shutil.copytree if is_copy else shutil.move)(old, new)
    assert (new / "last_checkpoint").read_text() == str(old / "epoch_2.pth")
    assert KeptRun("cfg.py", new, [], call=steps).train() == str(new / "epoch_2.pth")


def test_a_training_that_leaves_no_checkpoint_is_named(tmp_path: Path) -> None:
    run = KeptRun("cfg.py", tmp_path, [], call=lambda *_: None)
    with pytest.raises(ValueError, match=r"must leave a checkpoint to be tested"):
        run.train()


def test_what_is_kept_is_finished_unless_it_is_damaged(tmp_path: Path) -> None:
    run, path = KeptRun("cfg.py", tmp_path, []), tmp_path / "result.json"
    assert run.finished("result.json") is None
    assert keep(path, NUMBERS) == NUMBERS == run.finished("result.json")
    path.write_bytes(path.read_bytes()[:-3])
    assert run.finished("result.json") is None


def test_a_folder_belongs_to_what_its_first_run_was_made_of(tmp_path: Path) -> None:
    record = tmp_path / "new" / "made_of.txt"
    assert claim_folder(record, "ä", "record") is None
    assert claim_folder(record, "ä", "record") is None
    assert claim_folder(record, "b", "record") == "ä"
    assert record.read_text(encoding="utf-8") == "ä"
