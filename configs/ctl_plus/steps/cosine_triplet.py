"""Triplets by cosine instead of Euclidean distance."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(head=dict(losses=dict(triplet=dict(metric='cosine'))))
