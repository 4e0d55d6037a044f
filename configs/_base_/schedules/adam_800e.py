"""Adam, 3e-4, divided by ten at epochs 200, 400 and 600 of 800, each person once in one."""

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-4, weight_decay=5e-4)
)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[200, 400, 600], gamma=0.1)
]
train_cfg = dict(type='ResumableEpochLoop', max_epochs=800, val_interval=50)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=32, enable=False)
