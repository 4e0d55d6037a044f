"""A batch norm in the context block."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(topology=dict(context_norm='BN')))
