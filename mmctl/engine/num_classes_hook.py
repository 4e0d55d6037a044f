"""Config values that must agree with the data, compared before the first batch."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmctl.registry import HOOKS


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Compare the classifiers with the training people, and the batch with its sampler.

    With too few classes the cross-entropy fails in the midst of an epoch (on a GPU without naming
    the reason); with too many, or with another batch, training goes on and is quietly worse.
    Whatever a model, data set or sampler does not name is not compared.
    """

    def before_train(self, runner: Runner) -> None:
        """Compare, before the first batch is loaded.

        Args:
            runner: The runner that is about to train.

        Raises:
            ValueError: If the number of classes or the size of a batch does not fit.
        """
        _check_num_classes(runner)
        _check_batch_size(runner)


def _check_num_classes(runner: Runner) -> None:
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    num_classes = getattr(getattr(model, "head", None), "num_classes", None)
    metainfo = getattr(runner.train_dataloader.dataset, "metainfo", None) or {}
    num_pids = metainfo.get("num_pids")
    if None in (num_classes, num_pids) or num_classes == num_pids:
        return
    raise ValueError(
        f"model.head.num_classes must be the number of training people, because each is one class: "
        f"the data set {metainfo.get('dataset_name', '')!r} has {num_pids} (num_pids), "
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
