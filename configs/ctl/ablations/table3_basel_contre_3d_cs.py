"""Table 3, row "Basel+ContRe+3D+CS": Rank-1 91.4, mAP 86.7. The full model."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
