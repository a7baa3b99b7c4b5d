"""The parts that several test modules need: samples, answers, definitions, recordings, servers, clients."""
