"""Table 4, row "CTL-A^p A^m": Rank-1 90.9, mAP 86.3. Skeleton and learned mask."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(topology=dict(context=False)))
