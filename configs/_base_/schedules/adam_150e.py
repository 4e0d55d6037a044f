"""Adam, 3e-4, divided by ten at epochs 40, 80 and 120 of 150."""

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-4, weight_decay=5e-4)
)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[40, 80, 120], gamma=0.1)
]
train_cfg = dict(type='ResumableEpochLoop', max_epochs=150, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=32, enable=False)
