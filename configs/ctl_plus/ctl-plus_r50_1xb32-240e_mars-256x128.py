"""CTL+ on MARS: the steps beyond the paper that helped on drawn pedestrians, and a warm-up."""

_base_ = './steps/together.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.03, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=10,
        end=_base_.train_cfg.max_epochs,
        T_max=_base_.train_cfg.max_epochs - 10,
        eta_min_ratio=0.01,
        convert_to_iter_based=True,
    ),
]
