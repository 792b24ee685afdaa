"""HDF5 files that others write: whether they can be read by now, and the frames in them."""
