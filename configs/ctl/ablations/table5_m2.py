"""Table 5, row "CS-GCL (M = 2)": Rank-1 90.1, mAP 85.5. Scales also fused after layer 1."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(cross_scale_after=[1, 2]))
