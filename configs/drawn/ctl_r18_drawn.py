"""CTL on the drawn benchmark: 120 people to train on, 1,500 queries of 250 others, six cameras."""

_base_ = '../quickstart/ctl_r18_quickstart.py'

model = dict(
    data_preprocessor=dict(channels_last=True),
    head=dict(num_classes=120),
)
_data_root = 'data/drawn'
train_dataloader = dict(dataset=dict(data_root=_data_root))
val_dataloader = dict(dataset=dict(data_root=_data_root))
test_dataloader = dict(dataset=dict(data_root=_data_root))

# 45 iterations each.
_max_epochs = 8
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=_max_epochs, T_max=_max_epochs - 1),
]
train_cfg = dict(max_epochs=_max_epochs, val_interval=_max_epochs)
default_hooks = dict(checkpoint=dict(interval=_max_epochs))
