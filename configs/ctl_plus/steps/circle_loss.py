"""The circle loss in the place of the triplet loss."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(head=dict(losses=dict(triplet=None, circle=dict(type='CircleLoss'))))
