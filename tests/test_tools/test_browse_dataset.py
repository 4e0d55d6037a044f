import cv2
import pytest

from tests.conftest import data_options

TOOL = "visualization/browse_dataset.py"
CTL = "configs/quickstart/ctl_r18_quickstart.py"


def test_it_draws_a_sheet_of_a_config(run_tool, drawn_mars, tmp_path, capsys):
    out = tmp_path / "new" / "sheet.png"
    options = data_options(drawn_mars)
    run_tool(TOOL, CTL, "--num-tracklets", "1", "--out", str(out), "--cfg-options", *options)
    picture = cv2.imread(str(out))
    # Title, caption, four strips of 232 and the legends; 4 frames of 116 fit into 640.
    assert picture.shape[1] == 640
    assert picture.shape[0] > 59 + 47 + 4 * 232
    captured = capsys.readouterr()
    assert f"Sheet of clips: {out}" in captured.out
    assert "warning" not in captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "sheet.jpg"), "--out must end with .png"),
        (("--num-tracklets", "0"), "num_tracklets must be positive"),
        (("--cfg-options", "data_root=x"), "overrides must name what the run reads"),
        (("--cfg-options", "train_dataloader.dataset.spilt=train"), "spilt"),
    ],
)
def test_a_mistake_ends_in_one_message(run_tool, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        run_tool(TOOL, CTL, *arguments)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "error: " in error
    assert message in error


def test_a_missing_data_set_is_named(run_tool, capsys, tmp_path):
    with pytest.raises(SystemExit):
        run_tool(
            TOOL, CTL, "--cfg-options", f"train_dataloader.dataset.data_root={tmp_path / 'none'}"
        )
    assert f"error: {tmp_path / 'none'}" in capsys.readouterr().err
