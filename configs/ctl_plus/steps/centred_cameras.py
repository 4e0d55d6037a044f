"""Each camera's mean taken from its features."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
test_evaluator = dict(refinement=dict(centre_cameras=True))
