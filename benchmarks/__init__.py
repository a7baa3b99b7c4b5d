"""What this library costs, beside its peers: ``python -m benchmarks``. No part of what is installed."""
