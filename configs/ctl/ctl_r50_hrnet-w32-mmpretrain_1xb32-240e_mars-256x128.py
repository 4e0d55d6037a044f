"""CTL on MARS with online keypoints without mmpose: same checkpoint, same heatmaps."""

_base_ = './ctl_r50_hrnet-w32_1xb32-240e_mars-256x128.py'
model = dict(pose=dict(estimator=dict(_delete_=True, type='HRNetHeatmaps', arch='w32')))
