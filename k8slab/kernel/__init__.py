"""kubectl and YAML in a notebook: magics, bare kubectl lines, completion, and the kernel specification."""
