"""SBNet, the salient-to-broad modules of SINet alone, MARS.

Bai et al., CVPR 2022: Rank-1 90.2, mAP 85.7 in the paper.
"""

_base_ = './sinet_r50_1xb32-160e_mars-256x128.py'

# The first is IDNet's.
model = dict(backbone=dict(plugins=_base_.model.backbone.plugins[1:]))
