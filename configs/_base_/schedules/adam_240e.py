"""The paper's schedule: Adam, 3e-4, divided by ten at epochs 60, 120 and 180 of 240."""

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-4, weight_decay=5e-4)
)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[60, 120, 180], gamma=0.1)
]
train_cfg = dict(type='ResumableEpochLoop', max_epochs=240, val_interval=20)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# The learning rate belongs to a batch of 8 x 4 clips: see `tools/train.py --auto-scale-lr`.
auto_scale_lr = dict(base_batch_size=32, enable=False)
