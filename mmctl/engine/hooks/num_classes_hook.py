"""Config values that must agree with the data, compared before the first batch."""

from __future__ import annotations

from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmctl.datasets.joint_dataset import refuse_mixed_persons
from mmctl.models.losses import PairLoss
from mmctl.registry import HOOKS


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Compare the classifiers with the training people, and the batch with sampler and loss.

    With too few classes the cross-entropy fails in the midst of an epoch (on a GPU without naming
    the reason); with too many, or with another batch, training goes on and is quietly worse.
    Whatever a model, data set or sampler does not name is not compared.
    """

    def before_train(self, runner: Runner) -> None:
        """Compare, before the first batch is loaded.

        Args:
            runner: The runner that is about to train.

        Raises:
            ValueError: If the number of classes or the size of a batch does not fit, the persons of
                several data sets are mixed, or no batch can have a triplet for its loss.
        """
        refuse_mixed_persons(runner.train_dataloader.dataset)
        _check_num_classes(runner)
        _check_batch_size(runner)
        _check_triplets(runner)


def _unwrap(model: Any) -> Any:
    return model.module if is_model_wrapper(model) else model


def _check_num_classes(runner: Runner) -> None:
    num_classes = getattr(getattr(_unwrap(runner.model), "head", None), "num_classes", None)
    metainfo = getattr(runner.train_dataloader.dataset, "metainfo", None) or {}
    num_pids = metainfo.get("num_pids")
    if None in (num_classes, num_pids) or num_classes == num_pids:
        return
    sources = " + ".join(str(source["num_pids"]) for source in metainfo.get("sources", ()))
    raise ValueError(
        f"model.head.num_classes must be the number of training people, because each is one class: "
        f"the data set {metainfo.get('dataset_name', '')!r} has {num_pids} (num_pids"
        f"{': ' if sources else ''}{sources}), "
        f"got {num_classes}; add --cfg-options model.head.num_classes={num_pids}"
    )


def _check_batch_size(runner: Runner) -> None:
    loader = runner.train_dataloader
    num_pids = getattr(loader.sampler, "num_pids", None)
    num_clips = getattr(loader.sampler, "num_clips", None)
    # A loader with a batch sampler has no size of its own.
    if num_pids is None or num_clips is None or loader.batch_size is None:
        return
    if loader.batch_size != num_pids * num_clips:
        raise ValueError(
            "train_dataloader.batch_size must be sampler.num_pids * sampler.num_clips, because a "
            "batch that cuts through a person's clips leaves the triplet loss without positives: "
            f"{num_pids} * {num_clips} = {num_pids * num_clips}, got {loader.batch_size}"
        )


def _check_triplets(runner: Runner) -> None:
    """Raise if no clip of any batch has both another clip of its person and a stranger's."""
    sampler, model = runner.train_dataloader.sampler, _unwrap(runner.model)
    num_pids = getattr(sampler, "num_pids", None)
    num_clips = getattr(sampler, "num_clips", None)
    modules = model.modules() if isinstance(model, nn.Module) else ()
    losses = [loss for loss in modules if isinstance(loss, PairLoss)]
    if num_pids is None or num_clips is None or not any(loss.loss_weight for loss in losses):
        return
    name = type(losses[0]).__name__
    if num_clips < 2:
        raise ValueError(
            f"train_dataloader.sampler.num_clips must be at least 2 for {name}, because a clip "
            f"needs another of its person, got {num_clips}; or leave the loss out, as with "
            "model.head.losses.triplet=None"
        )
    num_ranks = get_world_size() if all(loss.mining == "global" for loss in losses) else 1
    if num_pids * num_ranks < 2:
        raise ValueError(
            f"train_dataloader.sampler.num_pids must be at least 2 for {name}, because a clip "
            "needs one of another person (of another process only with mining='global'), got "
            f"{num_pids}; or leave the loss out, as with model.head.losses.triplet=None"
        )
