"""Metrics for Prometheus: one module a subject, `exporter` puts them together. docs/metrics.md lists them."""
