"""Temporal attention over frames, MARS.

Gao and Nevatia 2018: Rank-1 83.3, mAP 76.7 in their repository.
"""

_base_ = './tp_r50_1xb32-800e_mars-224x112.py'

model = dict(
    neck=dict(
        branches=dict(clip=dict(temporal=dict(type='ConvAttentionPool', map_size=(7, 4))))
    ),
)
