"""Co-segmentation (COSAM) and a recurrent network, MARS.

Subramaniam et al., ICCV 2019, a variant of its public code.
"""

_base_ = './cosam-tp_r50_1xb32-800e_mars-256x128.py'

model = dict(
    neck=dict(branches=dict(clip=dict(temporal=dict(type='RecurrentPool', width=512)))),
    head=dict(branches=dict(clip=512)),
)
