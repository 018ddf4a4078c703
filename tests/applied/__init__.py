"""What Terraform made, in use: functions, table and queues. Run by `make infra-check`."""
