"""Table 3, row "Basel": Rank-1 88.6, mAP 82.7. Part features, no graph, scales added."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(graph=None, fuse='add'))
