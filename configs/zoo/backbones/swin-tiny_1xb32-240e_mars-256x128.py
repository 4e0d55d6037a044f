"""Temporal pooling on Swin-T, MARS: a newer network in its place, no row of a paper."""

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
    'swin-transformer/swin_tiny_224_b16x64_300e_imagenet_20210616_090925-66df6be6.pth',
    prefix='backbone',
)
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.SwinTransformer',
        arch='tiny',
        img_size=(256, 128),
        # The last map has 8x4 places and a window 7x7.
        pad_small_map=True,
        init_cfg=_pretrained,
    ),
    neck=dict(channels=768, branches=dict(clip=dict(pool='avg'))),
    head=dict(branches=dict(clip=768), neck='bnneck', classifier=dict(bias=False)),
)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=0.05))
