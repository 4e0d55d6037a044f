"""Recurrent network over frames, MARS.

Gao and Nevatia 2018: Rank-1 81.6, mAP 73.9 in their repository.
"""

_base_ = './tp_r50_1xb32-800e_mars-224x112.py'

model = dict(
    neck=dict(branches=dict(clip=dict(temporal=dict(type='RecurrentPool', width=512)))),
    head=dict(branches=dict(clip=512)),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
