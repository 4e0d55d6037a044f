"""The quickstart's schedule: Adam, 3e-3 after a warm-up of 30 steps, a cosine over 20 epochs."""

_max_epochs = 20
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-3, weight_decay=5e-4)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.03, by_epoch=False, begin=0, end=30),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=1,
        end=_max_epochs,
        T_max=_max_epochs - 1,
        eta_min_ratio=0.01,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type='ResumableEpochLoop', max_epochs=_max_epochs, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=16, enable=False)
