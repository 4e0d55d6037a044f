import numpy as np
import pytest
import torch

from mmctl.models.heads import BranchHead
from mmctl.models.layers import SalientToBroad
from mmctl.models.losses import FramePositionLoss
from mmctl.models.necks import BranchNeck
from tests.random_state import normal, randomize
from tests.references import sinet, zoo

CLIPS = normal(2, 4, 8, 5, 4).abs()


def test_salient_to_broad_equals_the_loops():
    layer = randomize(SalientToBroad(8, salient=2).double()).eval()
    norm = layer.kernel[1]
    with torch.no_grad():
        norm.running_mean.copy_(normal(9, seed=6))
        norm.running_var.copy_(1 + normal(9, seed=7).square())
    own = {name: value.detach().numpy() for name, value in layer.state_dict().items()}

    def gate(means):
        hidden = np.maximum(zoo.embed(own["gate.0.weight"], means) + own["gate.0.bias"], 0)
        return 1 / (1 + np.exp(-(zoo.embed(own["gate.2.weight"], hidden) + own["gate.2.bias"])))

    def scores(maps):
        made = zoo.per_place(own["kernel.0.weight"], own["kernel.0.bias"], maps)
        wide = (slice(None), None, None)
        spread = np.sqrt(own["kernel.1.running_var"] + 1e-5)[wide]
        made = (made - own["kernel.1.running_mean"][wide]) / spread
        return np.maximum(made * own["kernel.1.weight"][wide] + own["kernel.1.bias"][wide], 0)

    for clip, made in zip(CLIPS.numpy(), layer(CLIPS).detach().numpy(), strict=True):
        np.testing.assert_allclose(made, sinet.broadened(clip, 2, gate, scores), atol=1e-12)


def test_a_longer_clip_is_several():
    layer = randomize(SalientToBroad(8, salient=1).double()).eval()
    long = layer(CLIPS.reshape(1, 8, 8, 5, 4))
    torch.testing.assert_close(long.reshape(CLIPS.shape), layer(CLIPS))
    with pytest.raises(ValueError, match=r"num_frames=4 at a time, .* a multiple of that, got 6"):
        layer(CLIPS.reshape(1, 8, 8, 5, 4)[:, :6])


@pytest.mark.parametrize("salient", [0, 4])
def test_some_frames_teach_and_some_learn(salient):
    with pytest.raises(ValueError, match=rf"salient must be from 1 to 3, .* got {salient}"):
        SalientToBroad(8, salient=salient)


def test_frames_go_through_the_batch_norm_of_their_branch_and_are_no_clip_feature():
    neck = BranchNeck(8, {"clip": {"pool": "max", "frames": True}}).double()
    terms = {"frames": {"type": "mmctl.FramePositionLoss"}}
    head = BranchHead({"clip": 8}, 3, terms, neck="bn").double()
    randomize(head)
    labels = torch.tensor([1, 1])
    features, _ = neck(CLIPS.flatten(0, 1), None, 4)
    assert features["clip.frames"].shape == (2, 4, 8)
    made = head.loss(features, None, labels)
    assert sorted(made) == ["loss_frames_clip", "loss_identity_clip", "loss_triplet_clip"]
    norm = torch.nn.BatchNorm1d(8).double()
    norm.load_state_dict(head.necks["clip"].state_dict())
    loss = head.losses["frames"]["clip"]
    assert isinstance(loss, FramePositionLoss)
    rows = CLIPS.amax(dim=(3, 4)).flatten(0, 1)
    wanted = loss(norm(rows).view(2, 4, 8), labels)
    torch.testing.assert_close(made["loss_frames_clip"], wanted)
    assert neck.eval()(CLIPS.flatten(0, 1), None, 4)[0].keys() == {"clip"}


def test_a_loss_of_frames_names_the_key_that_gives_them():
    head = BranchHead({"clip": 8}, 3, {"frames": {"type": "mmctl.FramePositionLoss"}}).double()
    with pytest.raises(ValueError, match=r"losses.frames reads frames, .*clip .*frames=True"):
        head.loss({"clip": normal(2, 8)}, None, torch.tensor([0, 0]))


def test_the_mean_over_features_does_not_count_frames():
    terms = {"frames": {"type": "mmctl.FramePositionLoss"}}
    features = {"clip": normal(2, 8), "clip.frames": normal(2, 4, 8, seed=1)}
    made = {}
    for reduce in ("sum", "mean"):
        torch.manual_seed(0)
        head = BranchHead({"clip": 8}, 3, terms, reduce=reduce).double()
        made[reduce] = head.loss(features, None, torch.tensor([0, 1]))
    for name, value in made["sum"].items():
        torch.testing.assert_close(made["mean"][name], value)
