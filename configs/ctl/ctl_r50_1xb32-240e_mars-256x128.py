"""CTL on MARS: Table 1 of the paper, Rank-1 91.4, Rank-5 96.8, Rank-20 98.5, mAP 86.7."""

_base_ = [
    '../_base_/models/ctl_r50.py',
    '../_base_/datasets/mars.py',
    '../_base_/schedules/adam_240e.py',
    '../_base_/default_runtime.py',
]
