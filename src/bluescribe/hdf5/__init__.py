"""What the formats that are HDF5 share: files that are read while they grow, columns, images."""
