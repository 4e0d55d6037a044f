"""Table 3, row "Basel+ContRe": Rank-1 89.4, mAP 85.4. A graph per frame, scales added."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(graph='frame', num_frames=_base_._clip_len, fuse='add'))
