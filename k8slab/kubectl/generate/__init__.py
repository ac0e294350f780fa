"""The objects that `kubectl create KIND` makes from flags."""
