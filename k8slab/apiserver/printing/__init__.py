"""Tables: objects as rows, the way `kubectl get` shows them (`pkg/printers/internalversion/printers.go`)."""

from k8slab.apiserver.printing.table import table_of, table_response

__all__ = ["table_of", "table_response"]
