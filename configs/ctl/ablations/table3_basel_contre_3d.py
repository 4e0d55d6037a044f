"""Table 3, row "Basel+ContRe+3D": Rank-1 90.7, mAP 86.0. 3D graphs, scales added."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(fuse='add'))
