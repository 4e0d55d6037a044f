"""Temporal pooling on ResNet-50: the raw clip feature, smoothed labels, Euclidean triplets."""

_base_ = './clip_r50.py'
model = dict(
    neck=dict(branches=dict(clip=dict(pool='avg'))),
    head=dict(
        neck='none',
        losses=dict(
            identity=dict(
                _delete_=True, type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1
            ),
            triplet=dict(_delete_=True, type='BatchHardTripletLoss', margin=0.3),
        ),
        retrieve=dict(at='before'),
    ),
)
