"""Table 5, row "CS-GCL-s_3 s_1 s_2": Rank-1 91.4, mAP 86.7. The full model."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
