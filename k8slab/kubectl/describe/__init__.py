"""What `kubectl describe` says about each kind, one module per family."""
