"""What stands beside the pictures: series, registration, fusion, metrics."""
