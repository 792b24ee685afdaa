"""What the documents of a run say: run, stream, field, typed values, roles and dimensions."""
