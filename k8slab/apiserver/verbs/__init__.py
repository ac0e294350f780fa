"""What the server does for each verb, one file each."""
