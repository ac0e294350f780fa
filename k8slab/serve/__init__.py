"""The Kubernetes API over HTTP and TLS, for real clients: kubectl, client libraries, operators (`server.Server`)."""
