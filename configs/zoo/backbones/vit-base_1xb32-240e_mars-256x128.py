"""Temporal pooling on ViT-B/16, MARS: a newer network in its place, no row of a paper."""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_240e.py',
    '../../_base_/default_runtime.py',
]

# Of the classifier's network the backbone alone.
_pretrained = dict(
    type='Pretrained',
    checkpoint='https://download.openmmlab.com/mmclassification/v0/'
    'vit/vit-base-p16_pt-32xb128-mae_in1k_20220623-4c544545.pth',
    prefix='backbone',
)
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.VisionTransformer',
        arch='b',
        img_size=(256, 128),
        patch_size=16,
        # A map and not the class token.
        out_type='featmap',
        init_cfg=_pretrained,
    ),
    neck=dict(channels=768, branches=dict(clip=dict(pool='avg'))),
    head=dict(branches=dict(clip=768), neck='bnneck', classifier=dict(bias=False)),
)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=0.05))
