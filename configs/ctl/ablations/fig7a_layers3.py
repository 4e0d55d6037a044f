"""Figure 7(a), L = 3: below L = 2 in the figure. Graph layers per scale."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(num_layers=3, cross_scale_after=[3]))
