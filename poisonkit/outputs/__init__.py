"""How an output lies on disk: the name of everything in it, the manifest's records, checksums, what belongs there."""
