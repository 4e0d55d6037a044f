"""C2D, MARS.

An operator of the ablation of AP3D (Gu et al., ECCV 2020).
"""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_240e.py',
    '../../_base_/default_runtime.py',
]
