"""AGRL on ResNet-50: a graph of likeness and body parts, three random subsets of frames."""

_base_ = './clip_r50.py'

_stripes = (4, 2, 1)
model = dict(
    backbone=dict(tail=dict(type='TwinStage', names=('whole', 'graph'))),
    pose=dict(type='KeypointStripes', stripes=_stripes, min_score=0.1),
    neck=dict(
        branches=dict(
            _delete_=True,
            whole=dict(type='PooledBranch', maps='whole', pool='avg'),
            graph=dict(
                type='StripeBranch',
                maps='graph',
                stripes=_stripes,
                layers=[
                    dict(type='AffinityGraphConv', gamma=0.1, pose=True),
                    dict(type='AffinityGraphConv', gamma=0.1, pose=True),
                ],
                pool='norm',
                subsets=3,
            ),
        ),
    ),
    head=dict(
        branches=dict(_delete_=True, whole=2048, graph=2048),
        neck='bnneck',
        classifier=dict(bias=False),
        losses=dict(
            triplet=dict(_delete_=True, type='BatchHardTripletLoss', margin='soft'),
        ),
        reduce='mean',
    ),
)
