"""The vocabulary: components, batches, messages, schemas, errors, events. Depends on nothing else of ours."""
