"""CTL trained on MARS and DukeMTMC-VideoReID together and tested on MARS: not a row of the paper.

A class for each person of both: 625 + 702. See docs/en/joint_training.md, also for other test sets.
"""

_base_ = './ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(head=dict(num_classes=1327))
_mars = _base_.train_dataloader.dataset
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='JointDataset',
        datasets=[
            _mars,
            dict(_mars, type='DukeMTMCVideoReID', data_root='data/dukemtmc-videoreid'),
        ],
    )
)
