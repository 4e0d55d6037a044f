"""CTL on the drawn benchmark with the paper's three falls in the place of warm-up and cosine."""

_base_ = './ctl_r18_drawn.py'
_quarter = _base_.train_cfg.max_epochs // 4
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[_quarter * n for n in (1, 2, 3)], gamma=0.1)
]
