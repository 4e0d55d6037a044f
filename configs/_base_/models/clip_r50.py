"""C2D, where the systems of the zoo begin: ResNet-50 frame by frame, one clip feature."""

model = dict(
    type='VideoReID',
    data_preprocessor=dict(
        type='ClipDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
    ),
    backbone=dict(
        type='ClipBackbone',
        backbone=dict(
            type='mmpretrain.ResNet',
            depth=50,
            strides=(1, 2, 2, 1),
            out_indices=(3,),
            init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
        ),
    ),
    neck=dict(
        type='BranchNeck',
        channels=2048,
        branches=dict(clip=dict(type='PooledBranch', pool='max')),
    ),
    head=dict(
        type='BranchHead',
        branches=dict(clip=2048),
        num_classes=625,
        neck='bn',
        classifier=dict(type='LinearClassifier', bias=True),
        losses=dict(
            identity=dict(type='mmpretrain.CrossEntropyLoss'),
            triplet=dict(
                type='BatchHardTripletLoss',
                metric='cosine',
                margin=0.3,
                reads=('normalized', 'labels'),
            ),
        ),
        retrieve=dict(at='after'),
    ),
)
