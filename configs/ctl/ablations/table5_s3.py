"""Table 5, row "CS-GCL-s_3": Rank-1 90.4, mAP 85.9. Five parts alone."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(neck=dict(scales=('s3',)), graph_head=dict(scales=('s3',)))
