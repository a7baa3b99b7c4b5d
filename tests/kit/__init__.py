"""What several test modules need, written once: samples, answers, definitions, recordings, servers, clients."""
