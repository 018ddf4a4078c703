"""What a deployment is made of: Terraform, and the packages of the functions."""
