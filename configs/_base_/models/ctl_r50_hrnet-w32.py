"""CTL on ResNet-50 with HRNet-W32 of mmpose on the frames, frozen: the estimator of the paper."""

_base_ = './ctl_r50.py'
model = dict(
    pose=dict(
        _delete_=True,
        type='FrozenPoseEstimator',
        estimator='mmpose::body_2d_keypoint/topdown_heatmap/coco/'
        'td-hm_hrnet-w32_8xb64-210e_coco-256x192.py',
        checkpoint='https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_heatmap/coco/'
        'td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth',
    )
)
