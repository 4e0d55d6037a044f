"""Cross-scale logits over the root of their width."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(
    graph_head=dict(cross_scale=dict(logit_scale=_base_.model.graph_head.cross_scale.dim**-0.5))
)
