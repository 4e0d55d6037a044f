"""Is a data set whole: frames, folders, keypoints and the official counts."""
