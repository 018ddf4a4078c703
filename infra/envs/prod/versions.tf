terraform {
  # Locks in the bucket itself need 1.10; the module takes 1.9.
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket and region are yours: terraform init -backend-config=bucket=… -backend-config=region=…
  backend "s3" {
    key          = "guest-session-broker/prod.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { application = "guest-session-broker", environment = "prod" }
  }
}
