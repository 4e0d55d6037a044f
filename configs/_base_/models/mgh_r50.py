"""MGH on ResNet-50 as released: nearest stripes, no ReLU in the stem, non-local blocks of frames."""

_base_ = './clip_r50.py'

_layers = [
    dict(type='NearestGraphConv', width=512, neighbours=3, reach=3),
    dict(type='NearestGraphConv', width=512, neighbours=3, reach=3),
]
model = dict(
    backbone=dict(
        stem_relu=False,
        plugins=[
            dict(type='NonLocalBlock', stage=2, after=(1, 3), span='frame'),
            dict(type='NonLocalBlock', stage=3, after=(1, 3, 5), span='frame'),
        ],
    ),
    neck=dict(
        branches=dict(
            _delete_=True,
            whole=dict(type='PooledBranch', pool='avg', unit_norm=True),
            stripes2=dict(type='StripeBranch', stripes=(2,), layers=_layers),
            stripes4=dict(type='StripeBranch', stripes=(4,), layers=_layers),
            stripes8=dict(type='StripeBranch', stripes=(8,), layers=_layers),
        ),
    ),
    head=dict(
        branches=dict(
            _delete_=True,
            whole=2048,
            stripes2=1024,
            stripes4=1024,
            stripes8=1024,
        ),
        losses=dict(
            identity=dict(
                _delete_=True, type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1
            ),
            # Of all branches in one row, before the neck.
            triplet=dict(
                _delete_=True,
                type='BatchHardTripletLoss',
                margin=0.3,
                reads=('concat', 'labels'),
            ),
        ),
    ),
)
