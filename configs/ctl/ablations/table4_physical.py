"""Table 4, row "CTL-A^p": Rank-1 90.4, mAP 86.1. The skeleton alone."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(topology=dict(mask=False, context=False)))
