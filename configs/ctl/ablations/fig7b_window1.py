"""Figure 7(b), tau = 1: below tau = 3 in the figure. Frames per window."""

_base_ = '../ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(graph_head=dict(window=1))
