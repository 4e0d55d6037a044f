"""The quickstart's CTL on keypoints that an estimator found, not on those that were drawn."""

_base_ = './ctl_r18_quickstart.py'

# tools/dataset_converters/extract_keypoints.py makes it with the estimator of configs/pose.
_keypoint_file = 'info/learned_keypoints.npy'
train_dataloader = dict(dataset=dict(keypoint_file=_keypoint_file))
val_dataloader = dict(dataset=dict(keypoint_file=_keypoint_file))
test_dataloader = dict(dataset=dict(keypoint_file=_keypoint_file))
