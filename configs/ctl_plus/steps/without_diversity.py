"""Without the diversity loss."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(head=dict(losses=dict(diversity=None)))
