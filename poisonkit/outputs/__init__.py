"""How an output lies on disk: records, checksums, what belongs there."""
