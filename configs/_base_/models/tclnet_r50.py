"""TCLNet on ResNet-50, by its public code: margin 0.4, pairs of frames."""

_base_ = './clip_r50.py'
model = dict(
    backbone=dict(
        plugins=[dict(type='SaliencyBoosting', stage=2, after=(3,))],
        tail=dict(type='SaliencyErasing', rows=3),
    ),
    neck=dict(
        branches=dict(
            _delete_=True,
            first=dict(type='PooledBranch', maps='first', pool='max'),
            second=dict(type='PooledBranch', maps='second', pool='max'),
        ),
    ),
    head=dict(
        branches=dict(_delete_=True, first=2048, second=2048),
        losses=dict(triplet=dict(margin=0.4)),
        retrieve=dict(normalize_each=True),
    ),
)
