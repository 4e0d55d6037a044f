"""CTL on ResNet-50, complete: every value of the model that the paper states, and our readings."""

model = dict(
    type='VideoReID',
    # "normalized with 1.0/256"
    data_preprocessor=dict(
        type='ClipDataPreprocessor', mean=(0.0, 0.0, 0.0), std=(256.0, 256.0, 256.0)
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        strides=(1, 2, 2, 1),
        out_indices=(3,),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    pose=dict(type='KeypointHeatmaps', stride=4, sigma=2.0),
    neck=dict(type='PosePartNeck', softmax_scale=10.0, reduction='sum', body='limb'),
    graph_head=dict(
        type='PartGraphHead',
        channels=2048,
        scales=('s1', 's2', 's3'),
        graph='window',
        num_layers=2,
        window=3,
        topology=dict(physical=True, mask=True, context=True),
        fuse='cross-scale',
        cross_scale_after=[2],
        cross_scale=dict(dim=256, logit_scale=1.0),
        balance=0.3,
        body='limb',
    ),
    head=dict(
        type='FusionHead',
        channels=2048,
        num_classes=625,
        num_parts=5,
        neck='bnneck',
        test_feature='before',
        losses=dict(
            triplet=dict(type='BatchHardTripletLoss', margin=0.3, loss_weight=1.0),
            identity=dict(type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1, loss_weight=1.0),
            diversity=dict(type='DiversityLoss', loss_weight=1.0),
        ),
    ),
)
