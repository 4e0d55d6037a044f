"""The plain baseline on MARS: ResNet-50 and temporal average pooling, no pose and no graph.

Not a row of the paper: its "Basel" (Table 3) has part features.
"""

_base_ = './ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(
    pose=None,
    graph_head=None,
    head=dict(num_parts=0, losses=dict(diversity=None)),
)
