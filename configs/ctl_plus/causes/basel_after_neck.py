"""Basel, retrieving with the feature after the neck."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(graph=None, fuse='add'), head=dict(test_feature='after'))
