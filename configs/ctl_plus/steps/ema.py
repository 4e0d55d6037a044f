"""Weights averaged over the last iterations."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', momentum=0.4 / _base_.train_cfg.max_epochs),
]
