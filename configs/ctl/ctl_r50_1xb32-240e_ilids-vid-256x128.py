"""CTL on iLIDS-VID: Table 2 of the paper, Rank-1 89.7, Rank-5 97.0, Rank-20 100.0."""

_base_ = [
    '../_base_/models/ctl_r50.py',
    '../_base_/datasets/ilids_vid.py',
    '../_base_/schedules/adam_240e.py',
    '../_base_/default_runtime.py',
]
model = dict(head=dict(num_classes=150))
