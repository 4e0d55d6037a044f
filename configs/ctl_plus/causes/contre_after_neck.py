"""Basel+ContRe, retrieving with the feature after the neck."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(
    graph_head=dict(graph='frame', num_frames=_base_._clip_len, fuse='add'),
    head=dict(test_feature='after'),
)
