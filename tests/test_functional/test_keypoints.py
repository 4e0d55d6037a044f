import numpy as np
import pytest
import torch

from mmctl.functional.keypoints import decode_heatmaps, locate_peaks
from mmctl.functional.parts import normalize_heatmaps
from mmctl.models.pose import KeypointHeatmaps
from tests.random_state import normal
from tests.references import keypoints as loops

SIZES = torch.tensor([[20, 11], [7, 9], [64, 32]])


def gaussian(x, y, height, width, sigma=2.0, peak=1.0):
    """A Gaussian whose centre is in cells."""
    rows = torch.arange(height, dtype=torch.float64).unsqueeze(1)
    columns = torch.arange(width, dtype=torch.float64)
    return peak * torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("size", [(8, 6), (3, 4), (2, 3), (16, 5)])
def test_keypoints_equal_the_loops(size, udp):
    heatmaps = normal(3, 5, *size)
    heatmaps[0, 1] = -heatmaps[0, 1].abs()
    keypoints = decode_heatmaps(heatmaps, SIZES, (32, 24), udp=udp)
    expected = loops.decode(heatmaps.numpy(), SIZES.tolist(), (32, 24), udp)
    assert keypoints.dtype == torch.float64
    np.testing.assert_allclose(keypoints, expected, atol=1e-12)


@pytest.mark.parametrize("size", [(8, 6), (5, 9), (3, 3), (64, 48)])
def test_keypoints_of_the_input_equal_those_of_mmpose(size):
    codecs = pytest.importorskip("mmpose.codecs")
    height, width = size
    codec = codecs.MSRAHeatmap(
        input_size=(width * 4, height * 4), heatmap_size=(width, height), sigma=2
    )
    heatmaps = normal(6, 17, height, width).float()
    # Ties, peaks in every corner and on every edge, and whole numbers that tie everywhere.
    heatmaps[1] = heatmaps[1].round()
    heatmaps[2] = 0.5
    for joint, (row, column) in enumerate(
        [
            (0, 0),
            (0, -1),
            (-1, 0),
            (-1, -1),
            (0, 1),
            (1, 0),
            (-1, 1),
            (1, -1),
            (1, 1),
            (-2, -2),
            (2, 2),
        ]
    ):
        heatmaps[3, joint, row, column] = 9
    sizes = torch.tensor([[height * 4, width * 4]] * 6)
    ours = decode_heatmaps(heatmaps, sizes, (height * 4, width * 4)).numpy()
    for frame in range(6):
        points, scores = codec.decode(heatmaps[frame].numpy())
        found = scores[0] > 0  # mmpose puts the others at (-1, -1)
        assert found.sum() > 10
        np.testing.assert_allclose(ours[frame, found, :2], points[0, found], atol=1e-4)
        np.testing.assert_allclose(ours[frame, found, 2], scores[0, found])


def test_udp_maps_mean_what_mmpose_s_codec_drew():
    codecs = pytest.importorskip("mmpose.codecs")
    codec = codecs.UDPHeatmap(input_size=(96, 128), heatmap_size=(24, 32), sigma=2)
    points = np.random.default_rng(0).uniform((8, 8), (88, 120), (1, 17, 2)).astype(np.float32)
    heatmaps = torch.from_numpy(codec.encode(points)["heatmaps"])[None]
    sizes = torch.tensor([[128, 96]])
    found = decode_heatmaps(heatmaps, sizes, (128, 96), udp=True)[0, :, :2]
    # A quarter of a cell is the finest step: the error is at most an eighth more than one.
    assert np.abs(found.numpy() - points[0]).max() < 4 * 0.26
    other = decode_heatmaps(heatmaps, sizes, (128, 96))[0, :, :2]
    assert np.abs(found.numpy() - points[0]).mean() < np.abs(other.numpy() - points[0]).mean()


def test_a_worked_example():
    # Peak in cell (row 2, column 3) of a 4 x 6 map; its right neighbour is the higher one, the
    # upper one the higher: x = 3.25, y = 1.75 if row 2 lies within 1 < y < 3.
    heatmaps = torch.zeros(1, 1, 4, 6)
    heatmaps[0, 0, 2, 3], heatmaps[0, 0, 2, 4], heatmaps[0, 0, 1, 3] = 0.75, 0.5, 0.25
    cells, peaks = locate_peaks(heatmaps)
    assert cells.tolist() == [[[3.25, 1.75]]]
    assert peaks.tolist() == [[0.75]]
    # Input 16 x 24: stride 4, so x = 13, y = 7; the frame is half of that: (13.5) / 2 - 0.5.
    keypoints = decode_heatmaps(heatmaps, torch.tensor([[8, 12]]), (16, 24))
    assert keypoints.tolist() == [[[6.25, 3.25, 0.75]]]


@pytest.mark.parametrize("frame", [(256, 128), (128, 64), (97, 61)])
def test_a_gaussian_comes_back_within_a_fraction_of_a_cell(frame):
    generator = np.random.default_rng(1)
    cells = generator.uniform((4, 4), (28, 60), (40, 2))
    heatmaps = torch.stack([gaussian(x, y, 64, 32) for x, y in cells])[:, None]
    sizes = torch.tensor([frame] * len(cells))
    found = decode_heatmaps(heatmaps, sizes, (256, 128))[:, 0]
    scale = np.array([frame[1] / 128, frame[0] / 256])
    expected = (cells * 4 + 0.5) * scale - 0.5
    errors = np.abs(found[:, :2].numpy() - expected) / scale
    # Rounding to quarters of a cell away from its centre: at most 0.25 cells, 1 pixel.
    assert errors.max() <= 1.0 + 1e-6
    assert errors.mean() < 0.6
    assert (found[:, 2] > 0.93).all()


def test_mirrored_maps_give_mirrored_cells():
    heatmaps = normal(2, 4, 12, 10)
    heatmaps[:, :, [0, 1, -2, -1]] = heatmaps[:, :, :, [0, 1, -2, -1]] = -9  # no rule of the edges
    cells, _ = locate_peaks(heatmaps)
    mirrored, _ = locate_peaks(heatmaps.flip(3))
    torch.testing.assert_close(mirrored[..., 0], 9 - cells[..., 0])
    torch.testing.assert_close(mirrored[..., 1], cells[..., 1])


def test_a_map_without_a_positive_value_has_score_zero_and_others_their_peak():
    heatmaps = torch.stack([gaussian(3, 3, 8, 8) - 5, gaussian(3, 3, 8, 8, peak=1.5)])[None].half()
    keypoints = decode_heatmaps(heatmaps, torch.tensor([[32, 32]]), (32, 32))
    assert keypoints.dtype == torch.float32
    assert keypoints[0, :, 2].tolist() == [0, 1.5]


def test_drawn_maps_weight_the_cells_nearly_as_the_estimator_s_own():
    cells = torch.from_numpy(np.random.default_rng(2).uniform((4, 4), (28, 60), (40, 2)))
    online = torch.stack([gaussian(x, y, 64, 32, peak=0.8) for x, y in cells.tolist()])[:, None]
    weights = normalize_heatmaps(online, (16, 8))

    def distance(keypoints):
        """Return the mean total variation distance of the weights, 0 .. 1."""
        drawn = KeypointHeatmaps()(keypoints, (256, 128)).double()
        return (0.5 * (weights - normalize_heatmaps(drawn, (16, 8))).abs().sum(dim=-1)).mean()

    keypoints = decode_heatmaps(online, torch.tensor([[256, 128]] * len(cells)), (256, 128))
    exact = torch.cat((cells * 4, torch.full((len(cells), 1), 0.8)), dim=1)[:, None]
    # An estimator's cell i means pixel 4 i, where pooling takes it as pixels 4 i .. 4 i + 3, whose
    # middle is 1.5 pixels on: beside the rounding to quarters that is the whole difference.
    shift = torch.tensor([1.5, 1.5, 0.0])
    assert distance(exact + shift) < 1e-6
    assert distance(keypoints + shift) < 0.07
    assert distance(keypoints) < 0.2
    assert distance(keypoints + 4 * shift) > 0.35


@pytest.mark.parametrize(
    ("heatmaps", "sizes", "message"),
    [
        (torch.zeros(17, 4, 3), torch.ones(17, 2), r"heatmaps must be \(M, K, h, w\), got shape"),
        (
            torch.zeros(2, 17, 4, 3),
            torch.ones(2, 3),
            r"frame_sizes must be .*\(2, 2\), got \(2, 3\)",
        ),
    ],
)
def test_other_shapes_are_refused(heatmaps, sizes, message):
    with pytest.raises(ValueError, match=message):
        decode_heatmaps(heatmaps, sizes, (16, 12))
