"""Basel with the mean of the parts, of the weight of the global feature."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
# Addition makes a part 1 + 2 alpha times what it is alone.
_times = _base_.model.head.num_parts * (1 + 2 * _base_.model.graph_head.balance)
model = dict(graph_head=dict(graph=None, fuse='add'), head=dict(part_weight=1 / _times))
