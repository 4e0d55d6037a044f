"""Table 5, row "CS-GCL-s_3 s_1": Rank-1 90.7, mAP 85.8. Five parts and keypoints."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(neck=dict(scales=('s1', 's3')), graph_head=dict(scales=('s1', 's3')))
