"""The lists of data sets: which frames make a tracklet, who is it, who trains."""
