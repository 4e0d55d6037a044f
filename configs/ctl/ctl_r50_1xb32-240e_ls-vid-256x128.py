"""CTL on LS-VID, with the recipe for MARS: not a row of the paper."""

_base_ = [
    '../_base_/models/ctl_r50.py',
    '../_base_/datasets/ls_vid.py',
    '../_base_/schedules/adam_240e.py',
    '../_base_/default_runtime.py',
]
model = dict(head=dict(num_classes=842))
