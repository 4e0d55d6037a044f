"""The plain baseline beside `ctl_r18_quickstart.py`: same frames, schedule and losses."""

_base_ = './ctl_r18_quickstart.py'
model = dict(
    pose=None,
    graph_head=None,
    head=dict(num_parts=0, losses=dict(diversity=None)),
)
