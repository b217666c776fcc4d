"""What to write in place of NumPy functions that are not captured yet."""

REPLACEMENTS = {
    "np.unique": "np.sort(x), which keeps the size",
    "np.union1d": "np.sort(np.concatenate([x, y])), which has a known size",
    "np.intersect1d": "x * np.isin(x, y), which keeps the size",
    "np.setdiff1d": "x * ~np.isin(x, y), which keeps the size",
    "np.histogram": "np.add.at(counts, np.digitize(x, edges), 1) with an array of known size",
    "np.histogram2d": "np.add.at(counts, (rows, columns), 1) with an array of known size",
    "np.histogramdd": "np.add.at(counts, indices, 1) with an array of known size",
    "np.histogram_bin_edges": "np.min(x) + steps * np.ptp(x), with steps from np.linspace",
    "np.trim_zeros": "a slice of known size",
    "np.polyfit": "np.vander, and the normal equations",
    "ndarray.resize": "np.resize(x, shape), np.pad or a slice",
}
