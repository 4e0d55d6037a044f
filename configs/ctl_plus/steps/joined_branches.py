"""Retrieve with the sum and the concatenation together, after the neck."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(head=dict(test_feature='after', test_branches=('sum', 'concat')))
