"""CTL on MARS with pair-wise affinity in the place of mask and context: not a row of the paper.

Section 4.2 of the paper sets its context against affinities of two nodes at a time.
"""

_base_ = './ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(
    graph_head=dict(
        topology=dict(_delete_=True, type='AffinityTopology', kind='embedded', dim=256)
    )
)
